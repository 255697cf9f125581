import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { getAddress } from "viem";
import { X402Error } from "../src/core/errors.ts";
import type { Facilitator, FacilitatorCallOptions } from "../src/core/facilitator.ts";
import { canonicalJson } from "../src/core/json.ts";
import type {
  FacilitatorRequest,
  SettleResponse,
  Supported,
  VerifyResponse,
} from "../src/core/messages.ts";
import { networkToV1 } from "../src/core/messages-v1.ts";
import { networkFamily } from "../src/core/network.ts";
import { REASONS, type Reason } from "../src/core/reasons.ts";
import type { FacilitatorScheme, Hex, SchemePayment } from "../src/core/scheme.ts";
import type { Ledger, SettlementRecord } from "../src/ledger/ledger.ts";
import type { EvmChain } from "./chain.ts";
import { createLane } from "./settlement/lane.ts";
import {
  settlePayment,
  type SettlementContext,
  type Settled,
} from "./settlement/settle-payment.ts";
import { createWatcher } from "./settlement/watcher.ts";

export interface CreateFacilitatorOptions {
  readonly schemes: readonly FacilitatorScheme[];
  readonly ledger: Ledger;
  readonly chains: readonly EvmChain[];
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number;
  /** How long a settle waits for its result before it answers `settlement_pending`; default 30 s. */
  readonly settleTimeoutMs?: number;
  /** Time between two looks at a chain's head while something waits there; default 250 ms. */
  readonly pollMs?: number;
}

export interface FacilitatorEngine extends Facilitator {
  /** Throws `X402Error` when the ledger or a chain cannot be used right now. */
  check(): Promise<void>;
  /** Waits for what is in flight. The ledger is the caller's to close. */
  close(): Promise<void>;
}

/** A record is kept for this long after its authorization has expired. */
const RETENTION_MS = 24 * 3600 * 1000;
/** How soon another replica, or the next request, takes over from a process that died. */
const LEASE_MS = 15_000;
/** How long a transaction is waited for before its payment is left to the next request. */
const WATCH_MS = 120_000;
const HELD_POLL_MS = 100;

type Opened =
  | { reason: Reason; payer?: Hex | undefined }
  | {
      scheme: FacilitatorScheme;
      payment: SchemePayment;
      context: SettlementContext;
      key: string;
      late?: Reason;
    };

/**
 * The facilitator: verifies payments and settles them, each exactly once. The only place where the order of the
 * steps is written: static checks, signature, ledger, chain (the cheap before the dear); see `settlePayment` for what
 * follows a claim.
 */
export function createFacilitator(options: CreateFacilitatorOptions): FacilitatorEngine {
  const { schemes, ledger, now = Date.now, settleTimeoutMs = 30_000, pollMs = 250 } = options;
  const contexts = new Map<string, SettlementContext>(
    options.chains.map((chain) => [
      chain.network,
      {
        chain,
        lane: createLane(chain),
        watcher: createWatcher(chain, pollMs),
        ledger,
        watchMs: WATCH_MS,
      },
    ]),
  );
  /** Settlements that this process is working on, by payment key. */
  const running = new Map<string, Promise<Settled>>();

  /** Everything that can be said of a payment without the ledger. */
  async function open({
    paymentPayload,
    paymentRequirements,
  }: FacilitatorRequest): Promise<Opened> {
    const context = contexts.get(paymentRequirements.network);
    const scheme = schemes.find(
      (candidate) =>
        candidate.scheme === paymentRequirements.scheme &&
        candidate.family === networkFamily(paymentRequirements.network),
    );
    if (context === undefined) return { reason: "invalid_network" };
    if (scheme === undefined) return { reason: "unsupported_scheme" };
    const checked = scheme.check(paymentPayload, paymentRequirements, Math.floor(now() / 1000));
    const payment = "payment" in checked ? checked.payment : checked.expired;
    if (payment === undefined) return checked as { reason: Reason; payer?: Hex };
    const reason = await scheme.verifySignature(payment, context.chain);
    if (reason !== undefined) return { reason, payer: payment.payer };
    const key = scheme.paymentKey(payment);
    return { scheme, payment, context, key, ...("reason" in checked && { late: checked.reason }) };
  }

  async function verify(
    request: FacilitatorRequest,
    call: FacilitatorCallOptions = {},
  ): Promise<VerifyResponse> {
    const opened = await open(request);
    if ("reason" in opened) return invalid(opened.reason, opened.payer);
    const { scheme, payment, context, key } = opened;
    const record = await ledger.get(key);
    if (record !== undefined) {
      const reason = whyNotHandedOut(record, claimantOf(call), hashOf(request.paymentRequirements));
      return reason === undefined
        ? { isValid: true, payer: getAddress(payment.payer) }
        : invalid(reason, payment.payer);
    }
    if (opened.late !== undefined) return invalid(opened.late, payment.payer);
    const { ok } = await context.chain.call({
      ...scheme.simulation(payment),
      from: context.chain.signer,
    });
    if (!ok) return invalid(await scheme.diagnose(payment, context.chain), payment.payer);
    return { isValid: true, payer: getAddress(payment.payer) };
  }

  async function settle(
    request: FacilitatorRequest,
    call: FacilitatorCallOptions = {},
  ): Promise<SettleResponse> {
    const opened = await open(request);
    const { network } = request.paymentRequirements;
    if ("reason" in opened) return failed(network, opened.reason, opened.payer);
    const { scheme, payment, context, key } = opened;
    const claimant = claimantOf(call);
    const requirementsHash = hashOf(request.paymentRequirements);

    if (opened.late !== undefined && (await ledger.get(key)) === undefined) {
      return failed(network, opened.late, payment.payer);
    }
    const { status, record } = await ledger.claim({
      key,
      claimant,
      requirementsHash,
      payment: JSON.stringify(request),
      leaseMs: LEASE_MS,
      ttlMs: Math.max(0, payment.expiresAtSeconds * 1000 - now()) + RETENTION_MS,
    });
    if (record.requirementsHash !== requirementsHash || record.claimant !== claimant) {
      return failed(network, "duplicate_settlement", payment.payer);
    }
    const owned = status === "claimed" || status === "resumed";
    if (owned) start(record, settlePayment(context, scheme, payment, record));
    const settled = status === "final" ? record : await untilSettled(key, record);

    if ("released" in settled) return failed(network, settled.released, payment.payer);
    const transaction = settled.transaction ?? "";
    if (settled.state === "failed") {
      const reason = (settled.reason ?? "invalid_exact_evm_transaction_failed") as Reason;
      return { ...failed(network, reason, payment.payer), transaction };
    }
    if (settled.state !== "confirmed") {
      if (transaction === "")
        throw new X402Error("settlement_pending", "not sent yet", { retry: "unsafe" });
      return { ...failed(network, "settlement_pending", payment.payer), transaction };
    }
    if (!(await ledger.handOut(key, claimant, requirementsHash))) {
      return failed(network, "duplicate_settlement", payment.payer);
    }
    return {
      success: true,
      transaction,
      network,
      payer: getAddress(payment.payer),
      amount: payment.amount.toString(),
    };
  }

  /** Keeps the lease of a settlement while it is worked on, and lets it go when the work ends without a result. */
  function start({ key, fence }: SettlementRecord, work: Promise<Settled>): void {
    const heartbeat = setInterval(
      () => void ledger.renew(key, fence, LEASE_MS).catch(ignore),
      LEASE_MS / 3,
    );
    const tracked = work.finally(async () => {
      clearInterval(heartbeat);
      running.delete(key);
      if (await work.then(isUnfinished, () => true)) {
        const released = await ledger.release(key, fence).catch(ignore);
        if (released !== true) await ledger.renew(key, fence, 0).catch(ignore);
      }
    });
    tracked.catch(ignore);
    running.set(key, tracked);
  }

  /** The end of a settlement that this process, or another one, is working on; its record so far when time runs out. */
  async function untilSettled(key: string, record: SettlementRecord): Promise<Settled> {
    const deadlineMs = Date.now() + settleTimeoutMs;
    const own = running.get(key);
    if (own !== undefined) {
      return (await within(own, settleTimeoutMs)) ?? (await ledger.get(key)) ?? record;
    }
    let latest = record;
    while (Date.now() < deadlineMs && !isFinal(latest)) {
      await sleep(HELD_POLL_MS);
      const next = await ledger.get(key);
      if (next === undefined)
        throw new X402Error("settlement_pending", "let go elsewhere", { retry: "unsafe" });
      latest = next;
    }
    return latest;
  }

  return {
    verify,
    settle,
    supported: () => Promise.resolve(supportedKinds(schemes, options.chains)),
    async check() {
      await ledger.check();
      await Promise.all(options.chains.map((chain) => chain.blockNumber()));
    },
    async close() {
      await Promise.allSettled(running.values());
    },
  };
}

function supportedKinds(
  schemes: readonly FacilitatorScheme[],
  chains: readonly EvmChain[],
): Supported {
  const kinds = chains.flatMap(({ network }) =>
    schemes
      .filter((scheme) => scheme.family === networkFamily(network))
      .flatMap((scheme) => {
        const extra = scheme.extra?.(network);
        const kind = { scheme: scheme.scheme, ...(extra && { extra }) };
        const v1 = networkToV1(network);
        return [
          { x402Version: 2, network, ...kind },
          ...(v1 === undefined ? [] : [{ x402Version: 1, network: v1, ...kind }]),
        ];
      }),
  );
  const signers = [...new Set(chains.map((chain) => chain.signer))];
  return { kinds, extensions: [], signers: { "eip155:*": signers } };
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
  return record.handedOut ? "duplicate_settlement" : undefined;
}

const claimantOf = (call: FacilitatorCallOptions): string =>
  call.idempotencyKey === undefined ? "" : `idempotency:${call.idempotencyKey}`;

const hashOf = (value: unknown): string =>
  bytesToHex(sha256(new TextEncoder().encode(canonicalJson(value))));

const isFinal = (record: SettlementRecord): boolean =>
  record.state === "confirmed" || record.state === "failed";

const invalid = (reason: Reason, payer?: Hex): VerifyResponse => ({
  isValid: false,
  invalidReason: reason,
  invalidMessage: REASONS[reason],
  ...(payer && { payer: getAddress(payer) }),
});

const failed = (network: string, reason: Reason, payer?: Hex): SettleResponse => ({
  success: false,
  transaction: "",
  network,
  errorReason: reason,
  errorMessage: REASONS[reason],
  ...(payer && { payer: getAddress(payer) }),
});

const isUnfinished = (settled: Settled): boolean => !("released" in settled) && !isFinal(settled);

const ignore = (): undefined => undefined;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What a promise gives, or nothing when that takes too long. */
async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  return await Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}
