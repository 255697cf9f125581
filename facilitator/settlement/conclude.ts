import type { Reason } from "../../src/core/reasons.ts";
import type { Hex } from "../../src/core/scheme.ts";
import type { Ledger, Transition } from "../../src/ledger/ledger.ts";
import type { EvmChain, Receipt } from "../chain.ts";
import type { Job } from "./job.ts";

/** How far back the use of an authorization is looked for: longer than any authorization lives on fast chains. */
const LOOK_BACK_BLOCKS = 9_000n;

/**
 * Writes down what a mined transaction did for a payment, and ends the wait for it. Success is the exact transfer in
 * its logs. Without it, the payment may still have been settled by another transaction (ours before a crash, or
 * somebody else's who saw it in the pool): the use of the authorization is looked up before anything is called failed.
 */
export async function conclude(
  chain: EvmChain,
  ledger: Ledger,
  job: Job,
  receipt: Receipt,
): Promise<void> {
  const outcome = receipt.success
    ? job.scheme.outcome(job.payment, receipt.logs)
    : "invalid_exact_evm_transaction_failed";
  if (outcome === "settled") await confirm(ledger, job, receipt);
  else await concludeUnsettled(chain, ledger, job, outcome, receipt.block);
}

/**
 * Ends a payment that no transaction of ours settled, and none ever will: `confirmed` if somebody else's did, else
 * `failed` with this reason, or `released` when nothing was signed for it.
 */
export async function concludeUnsettled(
  chain: EvmChain,
  ledger: Ledger,
  job: Job,
  reason: Reason,
  block?: bigint,
): Promise<void> {
  const use = await findUse(chain, job);
  if (use !== undefined) {
    await confirm(ledger, job, use);
  } else if (job.record.state === "claimed") {
    if (await ledger.release(job.key, job.record.fence)) job.settle({ released: reason });
    else job.fail(undefined);
  } else {
    await write(ledger, job, {
      fence: job.record.fence,
      to: "failed",
      reason,
      ...(block !== undefined && { block: block.toString() }),
    });
  }
}

/** The receipt with the exact transfer of a payment, whoever sent it. */
async function findUse(chain: EvmChain, job: Job): Promise<Receipt | undefined> {
  const head = await chain.head();
  const fromBlock = head.number > LOOK_BACK_BLOCKS ? head.number - LOOK_BACK_BLOCKS : 0n;
  const { address, topics } = job.scheme.usage(job.payment);
  const [log] = await chain.logs({ address, topics, fromBlock });
  const receipt = log === undefined ? undefined : await chain.receipt(log.transaction);
  if (receipt === undefined || !receipt.success) return undefined;
  return job.scheme.outcome(job.payment, receipt.logs) === "settled" ? receipt : undefined;
}

async function confirm(ledger: Ledger, job: Job, receipt: Receipt): Promise<void> {
  await write(ledger, job, {
    fence: job.record.fence,
    to: "confirmed",
    transaction: receipt.transaction,
    block: receipt.block.toString(),
  });
}

async function write(ledger: Ledger, job: Job, transition: Transition): Promise<void> {
  const record = await ledger.advance(job.key, transition);
  if (record === undefined) {
    job.gone = true;
    job.fail(undefined);
  } else {
    job.record = record;
    job.settle(record);
  }
}

/** The transaction is gone from the chain after a reorganization: back to `signed`. False: somebody else has it. */
export async function unconfirm(ledger: Ledger, job: Job, transaction: Hex): Promise<boolean> {
  const { fence } = job.record;
  const record = await ledger.advance(job.key, { fence, to: "signed", transaction });
  if (record !== undefined) job.record = record;
  return record !== undefined;
}
