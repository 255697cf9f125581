import { X402Error } from "../../src/core/errors.ts";
import type { Reason } from "../../src/core/reasons.ts";
import type { Ledger, Transition } from "../../src/ledger/ledger.ts";
import type { EvmChain, Receipt } from "../chain.ts";
import { advance, type Job } from "./job.ts";
import { prove } from "./prove.ts";

/** Whether a block is deep enough for a payment to count as settled. */
export type IsDeep = (job: Job, block: bigint) => Promise<boolean>;

/**
 * Writes down what a mined transaction did for a payment, and ends the wait for it. Success is the exact transfer in
 * its logs. Without it, the payment may have been settled by another transaction (ours before a crash, or somebody
 * else's who saw it in the pool): only when the chain says that it was not is anything called failed.
 *
 * @returns `again` when it is unused and failed in company, which may have been the company's doing.
 * @throws X402Error `rpc_unavailable` as long as the chain does not prove one or the other.
 */
export async function conclude(
  chain: EvmChain,
  ledger: Ledger,
  job: Job,
  receipt: Receipt,
  { company, isDeep }: { company: number; isDeep: IsDeep },
): Promise<"done" | "again"> {
  const outcome = receipt.success
    ? job.scheme.outcome(job.payment, receipt.logs)
    : job.scheme.reverted;
  if (outcome === "settled") {
    await confirm(ledger, job, receipt);
    return "done";
  }
  const proof = await prove(chain, job, receipt.block);
  if (proof === "unused" && company > 1) return "again";
  if (typeof proof === "object") await confirmUse(ledger, job, proof.usedIn, isDeep);
  else if (await rests(ledger, job)) await refuse(ledger, job, outcome, receipt);
  else leave(job);
  return "done";
}

/**
 * Ends a payment that the simulation refuses: `confirmed` if it was settled by somebody else since it was claimed, else
 * `released`, or `failed` when it had been signed before.
 */
export async function concludeRefused(
  chain: EvmChain,
  ledger: Ledger,
  job: Job,
  reason: Reason,
  isDeep: IsDeep,
): Promise<void> {
  const proof = await prove(chain, job);
  if (typeof proof === "object") await confirmUse(ledger, job, proof.usedIn, isDeep);
  else if (job.record.state !== "claimed") await refuse(ledger, job, reason);
  else if (await ledger.release(job.key, job.record.fence)) job.settle({ released: reason });
  else leave(job);
}

async function confirm(ledger: Ledger, job: Job, receipt: Receipt): Promise<void> {
  const { transaction, block } = receipt;
  await write(ledger, job, { to: "confirmed", transaction, block: block.toString() });
}

/** Success by somebody else's transaction, when it is as deep as our own would have to be. */
async function confirmUse(
  ledger: Ledger,
  job: Job,
  receipt: Receipt,
  isDeep: IsDeep,
): Promise<void> {
  if (await isDeep(job, receipt.block)) return await confirm(ledger, job, receipt);
  throw new X402Error("rpc_unavailable", "the transfer is not confirmed deeply enough yet", {
    retry: "unsafe",
  });
}

/** Whether the ledger still has a payment in the transaction that this process knows of. */
async function rests(ledger: Ledger, job: Job): Promise<boolean> {
  const record = await ledger.get(job.key);
  return record !== undefined && record.transaction === job.record.transaction;
}

async function refuse(ledger: Ledger, job: Job, reason: Reason, receipt?: Receipt): Promise<void> {
  const where = receipt && { transaction: receipt.transaction, block: receipt.block.toString() };
  await write(ledger, job, { to: "failed", reason, ...where });
}

async function write(ledger: Ledger, job: Job, to: Omit<Transition, "fence">): Promise<void> {
  if (await advance(ledger, job, to)) job.settle(job.record);
  else if (to.to === "confirmed" && (await ledger.get(job.key)) === undefined) {
    // The ledger has lost it. Whoever waits for it here is still owed the answer; nobody else will get it.
    job.gone = true;
    job.settle({ ...job.record, ...to });
  } else leave(job);
}

/** Somebody else has the payment now. */
function leave(job: Job): void {
  job.gone = true;
  job.fail(undefined);
}

/**
 * The block that made a payment final is gone after a reorganization: back to `signed`, if it still rests on that
 * transaction. False: it does not.
 */
export async function reopen(ledger: Ledger, job: Job): Promise<boolean> {
  const { transaction } = job.record;
  if (transaction === undefined) return false;
  return await advance(ledger, job, { to: "signed", transaction, reopens: transaction });
}
