import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { X402Error } from "../src/core/errors.ts";
import type { Facilitator, FacilitatorCallOptions } from "../src/core/facilitator.ts";
import { canonicalJson } from "../src/core/json.ts";
import type { FacilitatorRequest, SettleResponse, VerifyResponse } from "../src/core/messages.ts";
import { networkFamily } from "../src/core/network.ts";
import type { Reason } from "../src/core/reasons.ts";
import type { FacilitatorScheme, Hex, SchemePayment } from "../src/core/scheme.ts";
import { FINAL_STATES, type Ledger, type SettlementRecord } from "../src/ledger/ledger.ts";
import { failed, invalid, settled, valid } from "./answers.ts";
import type { SettlementChain } from "./settlement-chain.ts";
import { createJobs, type JobEnd } from "./settlement/jobs.ts";
import type { SettlementEvent, Step } from "./settlement/options.ts";
import { createSettler, PAYMENT_LEASE_MS, type Settler } from "./settlement/settler.ts";
import { supportedKinds } from "./supported.ts";

export interface CreateFacilitatorOptions {
  readonly schemes: readonly FacilitatorScheme[];
  readonly ledger: Ledger;
  readonly chains: readonly SettlementChain[];
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number;
  /** How long a settle waits for its result before it answers `settlement_pending`; default 30 s. */
  readonly settleTimeoutMs?: number;
  /** How long a successful verify holds its amount on the payer's balance; 0: not at all. Default 30 s. */
  readonly holdMs?: number;
  /** Told of what the lanes do, for logs and metrics. */
  readonly observe?: (event: SettlementEvent) => void;
  /** Called between the steps of a settlement; tests stop the process there. */
  readonly step?: (step: Step) => Promise<void> | void;
}

/** What the ledger tells its claimant of a settlement. */
export interface Settlement {
  readonly id: string;
  readonly state: SettlementRecord["state"];
  readonly network: string;
  readonly transaction?: string;
  /** Number of the block, decimal. */
  readonly block?: string;
  readonly errorReason?: string;
  /** States and when they were reached, ISO 8601. */
  readonly history: readonly { readonly state: SettlementRecord["state"]; readonly at: string }[];
}

export interface FacilitatorEngine extends Facilitator {
  /** Leases lanes and finishes what a crash left behind, without waiting for a payment. Done by the first settle, too. */
  start(): void;
  /** Settlements of a claimant by payment key, or by the hash of a transaction, which may carry several. */
  settlements(id: string, options?: FacilitatorCallOptions): Promise<readonly Settlement[]>;
  /** Throws `X402Error` when the ledger or a chain cannot be used right now. */
  check(): Promise<void>;
  /** Takes nothing new, finishes what is in flight as far as the time allows, gives the lanes back. The ledger is the caller's to close. */
  close(timeoutMs?: number): Promise<void>;
}

/** A record is kept for this long after its authorization has expired. */
const RETENTION_MS = 24 * 3600 * 1000;
/** Time between two looks at a payment that another replica is working on. */
const HELD_POLL_MS = 100;
/** Pause before a success is handed out again, when the ledger did not answer. */
const HAND_OUT_PAUSE_MS = 300;

interface Opened {
  readonly scheme: FacilitatorScheme;
  readonly payment: SchemePayment;
  readonly chain: SettlementChain;
  readonly settler: Settler;
  readonly key: string;
  /** Why it comes too late to be settled now; it may have been settled in time. */
  readonly late?: Reason;
}

/**
 * The facilitator: verifies payments and settles them, each exactly once. The order of the steps up to the claim is
 * written here: static checks, signature, ledger, chain (the cheap before the dear). What follows a claim is in
 * `settlement/lane.ts`.
 */
export function createFacilitator(options: CreateFacilitatorOptions): FacilitatorEngine {
  const { schemes, ledger, now = Date.now, settleTimeoutMs = 30_000, holdMs = 30_000 } = options;
  const { step = () => undefined } = options;
  const observe = (event: SettlementEvent): void => {
    try {
      options.observe?.(event);
    } catch {
      // Whoever only watches breaks nothing.
    }
  };
  const jobs = createJobs(schemes);
  const owner = crypto.randomUUID();
  const networks = new Map(
    options.chains.map((chain) => [
      chain.chain.network as string,
      {
        chain,
        settler: createSettler({ ...chain, ledger, owner, revive: jobs.revive, observe, step }),
      },
    ]),
  );
  let closing = false;

  /** Everything that can be said of a payment without the ledger. */
  async function open(
    request: FacilitatorRequest,
  ): Promise<Opened | { reason: Reason; payer?: Hex | undefined }> {
    const { paymentPayload, paymentRequirements } = request;
    const network = networks.get(paymentRequirements.network);
    if (network === undefined) return { reason: "invalid_network" };
    const family = networkFamily(paymentRequirements.network);
    const scheme = schemes.find(
      (candidate) => candidate.scheme === paymentRequirements.scheme && candidate.family === family,
    );
    if (scheme === undefined) return { reason: "unsupported_scheme" };
    const checked = scheme.check(paymentPayload, paymentRequirements, Math.floor(now() / 1000));
    const payment = "payment" in checked ? checked.payment : checked.expired;
    if (payment === undefined) return checked as { reason: Reason; payer?: Hex };
    const reason = await scheme.verifySignature(payment, network.chain.chain);
    if (reason !== undefined) return { reason, payer: payment.payer };
    const key = scheme.paymentKey(payment);
    return {
      scheme,
      payment,
      ...network,
      key,
      ...("reason" in checked && { late: checked.reason }),
    };
  }

  async function verify(
    request: FacilitatorRequest,
    call: FacilitatorCallOptions = {},
  ): Promise<VerifyResponse> {
    const opened = await open(request);
    if ("reason" in opened) return invalid(opened.reason, opened.payer);
    const { scheme, payment, key, late } = opened;
    const { chain, signers } = opened.chain;
    const record = await ledger.get(key);
    if (record !== undefined) {
      const reason = whyNotHandedOut(record, claimantOf(call), hashOf(request.paymentRequirements));
      return reason === undefined ? valid(payment.payer) : invalid(reason, payment.payer);
    }
    if (late !== undefined) return invalid(late, payment.payer);
    const [simulated, balance] = await Promise.all([
      chain.call({ ...scheme.simulation(payment), from: signers[0]!.address }),
      holdMs === 0 ? undefined : chain.call(scheme.balance(payment)),
    ]);
    if (!simulated.ok) return invalid(await scheme.diagnose(payment, chain), payment.payer);
    if (balance !== undefined && !(await hold(payment, key, balance))) {
      return invalid("invalid_exact_evm_insufficient_balance", payment.payer);
    }
    return valid(payment.payer);
  }

  /** Reserves the amount, so that many payments against one balance do not all verify. */
  async function hold(
    payment: SchemePayment,
    id: string,
    balance: { ok: boolean; data: Hex },
  ): Promise<boolean> {
    const available = balance.ok && balance.data.length === 66 ? BigInt(balance.data) : 0n;
    return await ledger.hold({
      account: accountOf(payment),
      id,
      amount: payment.amount,
      available,
      ttlMs: holdMs,
    });
  }

  async function settle(
    request: FacilitatorRequest,
    call: FacilitatorCallOptions = {},
  ): Promise<SettleResponse> {
    const opened = await open(request);
    const { network } = request.paymentRequirements;
    if ("reason" in opened) return failed(network, opened.reason, opened.payer);
    const { payment, key, late } = opened;
    if (late !== undefined && (await ledger.get(key)) === undefined)
      return failed(network, late, payment.payer);

    const end = await carryOut(opened, request, call);
    if ("released" in end) return failed(network, end.released, payment.payer);
    if ("promised" in end) return settled(network, payment, end.promised.transaction ?? "");
    const { state, transaction = "" } = end;
    if (holdMs > 0 && FINAL_STATES.has(state)) {
      void ledger.unhold(accountOf(payment), key).catch(() => undefined);
    }
    if (state === "failed") {
      return failed(
        network,
        (end.reason ?? "invalid_exact_evm_transaction_failed") as Reason,
        payment.payer,
        transaction,
      );
    }
    if (state !== "confirmed") {
      if (transaction === "")
        throw new X402Error("settlement_pending", "not sent yet", { retry: "unsafe" });
      return failed(network, "settlement_pending", payment.payer, transaction);
    }
    return settled(network, payment, transaction);
  }

  /**
   * Claims a payment and sees it through, here or in whichever process has it; gives its record, confirmed ones only
   * to whom they may be told, or as far as it got when the time is up.
   */
  async function carryOut(
    { scheme, payment, key, settler }: Opened,
    request: FacilitatorRequest,
    call: FacilitatorCallOptions,
  ): Promise<Exclude<JobEnd, "elsewhere">> {
    const claimant = claimantOf(call);
    const requirementsHash = hashOf(request.paymentRequirements);
    const token = crypto.randomUUID();
    const deadlineMs = Date.now() + settleTimeoutMs;
    const text = JSON.stringify(request);
    let sinceMs = Number.MAX_SAFE_INTEGER;
    for (;;) {
      if (closing) throw new X402Error("settlement_pending", "shutting down", { retry: "unsafe" });
      const { status, record } = await ledger.claim({
        key,
        claimant,
        requirementsHash,
        payment: text,
        token,
        leaseMs: PAYMENT_LEASE_MS,
        ttlMs: Math.max(0, payment.expiresAtSeconds * 1000 - now()) + RETENTION_MS,
      });
      if (record.requirementsHash !== requirementsHash || record.claimant !== claimant) {
        return { released: "duplicate_settlement" };
      }
      // A ledger that lost its memory while this call waits does not make an earlier use somebody else's.
      sinceMs = Math.min(sinceMs, record.createdAtMs);
      if (status === "final") return await handOut(record, token, deadlineMs);
      if (status === "claimed") {
        await step("claimed");
        settler.submit(jobs.start(scheme, payment, record, sinceMs));
      }
      const end = await waitFor(key, Math.max(0, deadlineMs - Date.now()), record);
      if (end !== "elsewhere" && ("released" in end || "promised" in end)) return end;
      if (end !== "elsewhere" && FINAL_STATES.has(end.state))
        return await handOut(end, token, deadlineMs);
      if (Date.now() >= deadlineMs) return end === "elsewhere" ? record : end;
    }
  }

  /** Waits for the work on a payment. What failed before anything was signed is let go, to be tried again. */
  async function waitFor(
    key: string,
    timeoutMs: number,
    record: SettlementRecord,
  ): Promise<JobEnd> {
    const running = jobs.get(key);
    if (running === undefined) {
      await sleep(Math.min(HELD_POLL_MS, timeoutMs));
      return "elsewhere";
    }
    try {
      return (await within(running.end, timeoutMs)) ?? (await ledger.get(key)) ?? record;
    } catch (error) {
      const { recorded, record: latest } = running.job;
      if (!recorded && (await ledger.release(key, latest.fence))) throw error;
      await sleep(Math.min(HELD_POLL_MS, timeoutMs));
      return "elsewhere";
    }
  }

  async function handOut(
    record: SettlementRecord,
    token: string,
    deadlineMs: number,
  ): Promise<SettlementRecord | { released: Reason }> {
    if (record.state !== "confirmed") return record;
    const { key, claimant, requirementsHash } = record;
    for (;;) {
      try {
        // Of a named claimant's success nothing has to be remembered: the record says whose it is.
        const told =
          claimant !== "" || (await ledger.handOut(key, claimant, requirementsHash, token));
        await step("handed_out");
        return told ? record : { released: "duplicate_settlement" };
      } catch (error) {
        // The reply may be lost and the success be handed out: the same token gets it again, a later call does not.
        if (Date.now() + HAND_OUT_PAUSE_MS >= deadlineMs) throw error;
        await sleep(HAND_OUT_PAUSE_MS);
      }
    }
  }

  async function settlements(
    id: string,
    call: FacilitatorCallOptions = {},
  ): Promise<readonly Settlement[]> {
    const keys = /^0x[0-9a-f]{64}$/i.test(id) ? await ledger.paymentsOf(id.toLowerCase()) : [id];
    const records = await Promise.all(keys.map((key) => ledger.get(key)));
    return records.flatMap((record) =>
      record !== undefined && record.claimant === claimantOf(call) ? [describe(record)] : [],
    );
  }

  return {
    verify,
    settle,
    settlements,
    supported: () => Promise.resolve(supportedKinds(schemes, options.chains)),
    start() {
      for (const { settler } of networks.values()) settler.start();
    },
    async check() {
      await ledger.check();
      await Promise.all(options.chains.map(({ chain }) => chain.head()));
    },
    async close(timeoutMs = 20_000) {
      closing = true;
      await Promise.all([...networks.values()].map(({ settler }) => settler.close(timeoutMs)));
      for (const { chain } of options.chains) chain.close();
    },
  };
}

function describe(record: SettlementRecord): Settlement {
  const { paymentRequirements } = JSON.parse(record.payment) as FacilitatorRequest;
  const reached = [
    ["claimed", record.createdAtMs],
    ["signed", record.signedAtMs],
    [record.state, FINAL_STATES.has(record.state) ? record.finishedAtMs : undefined],
  ] as const;
  return {
    id: record.key,
    state: record.state,
    network: paymentRequirements.network,
    ...(record.transaction !== undefined && { transaction: record.transaction }),
    ...(record.block !== undefined && { block: record.block }),
    ...(record.reason !== undefined && { errorReason: record.reason }),
    history: reached.flatMap(([state, at]) =>
      at === undefined ? [] : [{ state, at: new Date(at).toISOString() }],
    ),
  };
}

/** Why a payment that the ledger knows would not be answered with success to this claimant; nothing when it would. */
function whyNotHandedOut(
  record: SettlementRecord,
  claimant: string,
  requirementsHash: string,
): Reason | undefined {
  if (record.claimant !== claimant || record.requirementsHash !== requirementsHash)
    return "duplicate_settlement";
  if (record.state === "failed")
    return (record.reason ?? "invalid_exact_evm_transaction_failed") as Reason;
  return record.handedOutTo === "" ? undefined : "duplicate_settlement";
}

const accountOf = (payment: SchemePayment): string =>
  `${payment.network}:${payment.asset}:${payment.payer}`;

const claimantOf = (call: FacilitatorCallOptions): string =>
  call.idempotencyKey === undefined ? "" : `idempotency:${call.idempotencyKey}`;

const hashOf = (value: unknown): string =>
  bytesToHex(sha256(new TextEncoder().encode(canonicalJson(value))));

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What a promise gives, or nothing when that takes too long. */
async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  return await Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}
