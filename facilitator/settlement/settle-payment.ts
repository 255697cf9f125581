import { X402Error } from "../../src/core/errors.ts";
import type { Reason } from "../../src/core/reasons.ts";
import type { FacilitatorScheme, Hex, SchemePayment } from "../../src/core/scheme.ts";
import type { Ledger, SettlementRecord, Transition } from "../../src/ledger/ledger.ts";
import type { EvmChain, Receipt } from "../chain.ts";
import type { Lane } from "./lane.ts";
import type { Watcher } from "./watcher.ts";

export interface SettlementContext {
  readonly chain: EvmChain;
  readonly lane: Lane;
  readonly watcher: Watcher;
  readonly ledger: Ledger;
  /** How long a transaction is waited for. */
  readonly watchMs: number;
}

/** What became of a payment: its final record, its record so far when it is not final, or why it was let go. */
export type Settled = SettlementRecord | { readonly released: Reason };

/**
 * Takes a claimed payment to its end, from wherever its record stands: simulate, sign, record, broadcast, confirm.
 * The order is what keeps money safe: the transaction is in the ledger before any node has seen it, so that a crash
 * at any point leads to sending the same bytes again and never to a second transfer.
 */
export async function settlePayment<P extends SchemePayment>(
  context: SettlementContext,
  scheme: FacilitatorScheme<P>,
  payment: P,
  claimed: SettlementRecord,
): Promise<Settled> {
  return claimed.state === "claimed"
    ? await settleFresh(context, scheme, payment, claimed)
    : await settleSigned(context, scheme, payment, claimed);
}

async function settleFresh<P extends SchemePayment>(
  context: SettlementContext,
  scheme: FacilitatorScheme<P>,
  payment: P,
  record: SettlementRecord,
): Promise<Settled> {
  if (await simulates(context, scheme, payment))
    return await sendAndConfirm(context, scheme, payment, record);
  const reason = await scheme.diagnose(payment, context.chain);
  return (await context.ledger.release(record.key, record.fence)) ? { released: reason } : record;
}

/** Continues a payment whose transaction was signed, and perhaps broadcast, by somebody who is gone. */
async function settleSigned<P extends SchemePayment>(
  context: SettlementContext,
  scheme: FacilitatorScheme<P>,
  payment: P,
  record: SettlementRecord,
): Promise<SettlementRecord> {
  const { chain, watcher, watchMs } = context;
  if (record.rawTransaction === undefined || record.transaction === undefined) return record;
  const sent = { raw: record.rawTransaction as Hex, hash: record.transaction as Hex };
  const outcome = await chain.broadcast(sent.raw);
  const lost = outcome !== "accepted" && outcome !== "unknown";
  const receipt = lost ? await chain.receipt(sent.hash) : await watcher.wait(sent, watchMs);
  if (receipt !== undefined) return await conclude(context, scheme, payment, record, receipt);
  // The node will not have it, for example because another transaction has its nonce. Signing anew is safe: whichever
  // transaction is mined uses the authorization up, and the simulation tells whether one was.
  if (lost && (await simulates(context, scheme, payment))) {
    return await sendAndConfirm(context, scheme, payment, record);
  }
  return record;
}

async function simulates<P extends SchemePayment>(
  { chain }: SettlementContext,
  scheme: FacilitatorScheme<P>,
  payment: P,
): Promise<boolean> {
  return (await chain.call({ ...scheme.simulation(payment), from: chain.signer })).ok;
}

async function sendAndConfirm<P extends SchemePayment>(
  context: SettlementContext,
  scheme: FacilitatorScheme<P>,
  payment: P,
  claimed: SettlementRecord,
): Promise<SettlementRecord> {
  let record = claimed;
  const advance = async (transition: Omit<Transition, "fence">): Promise<boolean> => {
    const next = await context.ledger.advance(record.key, { ...transition, fence: record.fence });
    record = next ?? record;
    return next !== undefined;
  };
  const sent = await context.lane.send(scheme.settlementCall(payment), ({ hash, raw }) =>
    advance({ to: "signed", transaction: hash, rawTransaction: raw }),
  );
  if (sent === undefined)
    throw new X402Error("ledger_unavailable", "the payment was taken over", { retry: "unsafe" });
  await advance({ to: "broadcast" });
  const receipt = await context.watcher.wait(sent, context.watchMs);
  return receipt === undefined ? record : await conclude(context, scheme, payment, record, receipt);
}

/** Writes down what a mined transaction did: only the exact transfer is a success, and only a revert or other logs a failure. */
async function conclude<P extends SchemePayment>(
  context: SettlementContext,
  scheme: FacilitatorScheme<P>,
  payment: P,
  record: SettlementRecord,
  receipt: Receipt,
): Promise<SettlementRecord> {
  const outcome = receipt.success
    ? scheme.outcome(payment, receipt.logs)
    : "invalid_exact_evm_transaction_failed";
  const transition: Transition =
    outcome === "settled"
      ? { fence: record.fence, to: "confirmed", block: receipt.block.toString() }
      : { fence: record.fence, to: "failed", block: receipt.block.toString(), reason: outcome };
  const final = await context.ledger.advance(record.key, transition);
  return final ?? (await context.ledger.get(record.key)) ?? record;
}
