import { X402Error } from "../src/core/errors.ts";
import type { Facilitator, FacilitatorCallOptions } from "../src/core/facilitator.ts";
import type { FacilitatorRequest, SettleResponse, VerifyResponse } from "../src/core/messages.ts";
import { networkFamily } from "../src/core/network.ts";
import type { Reason } from "../src/core/reasons.ts";
import type { FacilitatorScheme, Hex, SchemePayment } from "../src/core/scheme.ts";
import { FINAL_STATES, type Ledger } from "../src/ledger/ledger.ts";
import { failed, invalid, settled, valid } from "./answers.ts";
import { carryOut, hashOf, type EngineState, type Opened } from "./carry-out.ts";
import { diagnoseAll, sendPayerTransaction, simulate } from "./payer-transaction.ts";
import type { SettlementChain } from "./settlement-chain.ts";
import {
  claimantOf,
  describeSettlement,
  whyNotHandedOut,
  type Settlement,
} from "./settlement-record.ts";
import { isDeployed } from "./settlement/deployed.ts";
import { createJobs } from "./settlement/jobs.ts";
import type { SettlementEvent, Step } from "./settlement/options.ts";
import { createPenalties, type Penalties } from "./settlement/penalties.ts";
import { createSettler } from "./settlement/settler.ts";
import { createSponsor, type SponsoringOptions } from "./sponsoring.ts";
import { supportedKinds } from "./supported.ts";
import { createTurns } from "./turns.ts";

/** Signatures are verified for so long in one turn of the event loop: some 200 natively, 20 in plain JavaScript. */
const VERIFY_BUDGET_MS = 20;

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
  /** Pays gas for payers who have not allowed Permit2 yet. Absent: payers do that themselves. */
  readonly sponsoring?: SponsoringOptions;
  /** Told of what the lanes do, for logs and metrics. */
  readonly observe?: (event: SettlementEvent) => void;
  /** Called between the steps of a settlement; tests stop the process there. */
  readonly step?: (step: Step) => Promise<void> | void;
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

/**
 * The facilitator: verifies payments and settles them, each exactly once. The order of the steps up to the claim is
 * written here: static checks, signature, ledger, chain (the cheap before the dear). `carry-out.ts` has the claim and its
 * answer, `settlement/launch.ts` what lies between.
 */
export function createFacilitator(options: CreateFacilitatorOptions): FacilitatorEngine {
  const { schemes, ledger, now = Date.now, settleTimeoutMs = 30_000, holdMs = 30_000 } = options;
  const { step = () => undefined } = options;
  const sponsor = options.sponsoring && createSponsor(options.sponsoring, ledger);
  const observe = (event: SettlementEvent): void => {
    try {
      options.observe?.(event);
    } catch {
      // Whoever only watches breaks nothing.
    }
  };
  const signers = new Map(
    options.chains.map((each) => [
      each.chain.network as string,
      each.signers.map(({ address }) => address.toLowerCase() as Hex),
    ]),
  );
  const contextOf = (network: string) => ({
    signers: signers.get(network) ?? [],
    sponsoring: sponsor !== undefined,
  });
  const jobs = createJobs(schemes, contextOf);
  const owner = crypto.randomUUID();
  const inTurn = createTurns(VERIFY_BUDGET_MS);
  const networks = new Map<string, Pick<Opened, "chain" | "settler"> & { penalties: Penalties }>(
    options.chains.map((chain) => {
      const { network } = chain.chain;
      const penalties = createPenalties(ledger, network, chain.options);
      const context = { ...chain, ledger, penalties, owner, revive: jobs.revive, observe, step };
      return [network, { chain, penalties, settler: createSettler(context) }];
    }),
  );
  const engine: EngineState = { ledger, jobs, settleTimeoutMs, now, step, closing: false };

  /** Everything that can be said of a payment without the ledger. */
  async function open(
    request: FacilitatorRequest,
    settling: boolean,
  ): Promise<Opened | { reason: Reason; payer?: Hex | undefined }> {
    const { paymentPayload, paymentRequirements } = request;
    const network = networks.get(paymentRequirements.network);
    if (network === undefined) return { reason: "invalid_network" };
    const family = networkFamily(paymentRequirements.network);
    const scheme = schemes.find(
      (candidate) => candidate.scheme === paymentRequirements.scheme && candidate.family === family,
    );
    if (scheme === undefined) return { reason: "unsupported_scheme" };
    const context = { ...contextOf(paymentRequirements.network), settling };
    const nowSeconds = Math.floor(now() / 1000);
    const checked = scheme.check(paymentPayload, paymentRequirements, nowSeconds, context);
    const payment = "payment" in checked ? checked.payment : checked.expired;
    if (payment === undefined) return checked as { reason: Reason; payer?: Hex };
    const reason = await inTurn(() => scheme.verifySignature(payment, network.chain.chain));
    if (reason !== undefined) return { reason, payer: payment.payer };
    const key = scheme.paymentKey(payment);
    const sponsored = sponsor?.(scheme, payment, key, network.chain.chain);
    const settlementCall = scheme.settlementCall(payment);
    const { liable, sender = network.chain.signers[0]!.address } = settlementCall;
    const late =
      "reason" in checked
        ? checked.reason
        : ((liable && (await network.penalties.refusal(liable))) ??
          (await scheme.authorize?.(payment, network.chain.chain, sender)));
    return {
      scheme,
      payment,
      settlementCall,
      ...network,
      key,
      ...(sponsored && { sponsored }),
      ...(late && { late }),
    };
  }

  async function verify(
    request: FacilitatorRequest,
    call: FacilitatorCallOptions = {},
  ): Promise<VerifyResponse> {
    const opened = await open(request, false);
    if ("reason" in opened) return invalid(opened.reason, opened.payer);
    const { scheme, payment, settlementCall, key, late, sponsored } = opened;
    const { chain } = opened.chain;
    const record = await ledger.get(key);
    if (record !== undefined) {
      const reason = whyNotHandedOut(record, claimantOf(call), hashOf(request.paymentRequirements));
      return reason === undefined ? valid(payment.payer) : invalid(reason, payment.payer);
    }
    if (late !== undefined) return invalid(late, payment.payer);
    const { shortage, ...balanceCall } = scheme.balance(payment);
    const [simulated, deployed, balance] = await Promise.all([
      simulate(opened),
      isDeployed(chain, payment, settlementCall),
      holdMs === 0 ? undefined : chain.call(balanceCall),
    ]);
    const problem = simulated && deployed ? undefined : await diagnoseAll(opened);
    if (problem !== undefined) return invalid(problem, payment.payer);
    if (balance !== undefined && !(await hold(payment, key, balance))) {
      return invalid(shortage, payment.payer);
    }
    if (sponsored !== undefined && !(await sponsored.verify(Math.max(1, holdMs))))
      return invalid("sponsoring_budget_exhausted", payment.payer);
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
    const opened = await open(request, true);
    const { network } = request.paymentRequirements;
    if ("reason" in opened) return failed(network, opened.reason, opened.payer);
    const { payment, key, late } = opened;
    if (late !== undefined && (await ledger.get(key)) === undefined)
      return failed(network, late, payment.payer);
    const missing = await sendPayerTransaction(opened, ledger, settleTimeoutMs);
    if (missing !== undefined) return failed(network, missing, payment.payer);

    const end = await carryOut(engine, opened, request, call);
    if ("released" in end) return failed(network, end.released, payment.payer);
    if ("promised" in end) return settled(network, payment, end.promised.transaction ?? "");
    const { state, transaction = "" } = end;
    if (holdMs > 0 && FINAL_STATES.has(state)) {
      void ledger.unhold(accountOf(payment), key).catch(() => undefined);
    }
    if (state === "failed") {
      return failed(
        network,
        (end.reason ?? opened.scheme.reverted) as Reason,
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

  async function settlements(
    id: string,
    call: FacilitatorCallOptions = {},
  ): Promise<readonly Settlement[]> {
    const keys = /^0x[0-9a-f]{64}$/i.test(id) ? await ledger.paymentsOf(id.toLowerCase()) : [id];
    const records = await Promise.all(keys.map((key) => ledger.get(key)));
    return records.flatMap((record) =>
      record !== undefined && record.claimant === claimantOf(call)
        ? [describeSettlement(record)]
        : [],
    );
  }

  return {
    verify,
    settle,
    settlements,
    supported: () => supportedKinds(schemes, options.chains, sponsor !== undefined),
    start() {
      for (const { settler } of networks.values()) settler.start();
    },
    async check() {
      await ledger.check();
      await Promise.all(options.chains.map(({ chain }) => chain.head()));
    },
    async close(timeoutMs = 20_000) {
      engine.closing = true;
      await Promise.all([...networks.values()].map(({ settler }) => settler.close(timeoutMs)));
      for (const { chain } of options.chains) chain.close();
    },
  };
}

const accountOf = (payment: SchemePayment): string =>
  `${payment.network}:${payment.asset}:${payment.payer}`;
