/** Whether somebody else's transaction, or one of ours that is forgotten, used a payment. */
import { X402Error } from "../../src/core/errors.ts";
import type { Log, Usage } from "../../src/core/scheme.ts";
import type { EvmChain, Head, Receipt } from "../chain.ts";
import type { Job } from "./job.ts";

/** How far back the use of an authorization is looked for; where that is not far enough, nothing is concluded. */
const LOOK_BACK_BLOCKS = 9_000n;

/** How far the clocks of ledger and chain may be apart. */
const CLOCK_SKEW_SECONDS = 2;

/** What is proven of a payment that no transaction of ours settled. */
export type Proof = { readonly usedIn: Receipt } | "unused" | "spent";

/**
 * Whether an authorization was used, and where. A use before the payment was claimed here is not ours to answer with
 * success: it was settled for somebody else, or for a record that was lost.
 *
 * @throws X402Error `rpc_unavailable` as long as the chain does not prove one or the other.
 */
export async function prove(chain: EvmChain, job: Job, block?: bigint): Promise<Proof> {
  const at = block ?? (await chain.head()).number;
  if ((await isUsed(chain, job, at)) !== true) {
    // The head that is known here may be older than the state that refused it.
    if (block === undefined && (await isUsed(chain, job)) === true) throw notFound();
    return "unused";
  }
  const usage = job.scheme.usage(job.payment);
  const { by } = usage;
  return by === undefined
    ? await byItsLog(chain, job, usage, at)
    : await byItsCall(chain, job, { ...usage, by }, at);
}

/** For payments that a log names. */
async function byItsLog(
  chain: EvmChain,
  job: Job,
  { address, topics }: Usage,
  at: bigint,
): Promise<Proof> {
  const fromBlock = at > LOOK_BACK_BLOCKS ? at - LOOK_BACK_BLOCKS : 0n;
  const [log] = await chain.logs({ address, topics, fromBlock });
  const receipt = log === undefined ? undefined : await chain.receipt(log.transaction);
  const mined = receipt === undefined ? undefined : await chain.block(receipt.block);
  if (receipt === undefined || mined === undefined) {
    if (fromBlock > 0n && log === undefined) return "spent"; // longer ago than any payment lives
    throw notFound();
  }
  return hasSettled(job, receipt) && mined.timestampSeconds >= claimedAtSeconds(job)
    ? { usedIn: receipt }
    : "spent";
}

/**
 * For payments that no log names. Success is proven by a transaction whose call uses this payment and that has its logs;
 * failure by the block in which it was used, when there is no such log in it.
 */
async function byItsCall(
  chain: EvmChain,
  job: Job,
  usage: Usage & Required<Pick<Usage, "by">>,
  at: bigint,
): Promise<Proof> {
  const before = await lastBlockBefore(chain, at, claimedAtSeconds(job));
  if (before !== undefined && (await isUsed(chain, job, before)) === true) return "spent";
  const fromBlock =
    before !== undefined ? before + 1n : at > LOOK_BACK_BLOCKS ? at - LOOK_BACK_BLOCKS : 0n;
  const { address, topics, by } = usage;
  const logs = await chain.logs({ address, topics, fromBlock });
  const fitting = logs.filter((log) => isSuch(usage, log));
  for (const transaction of new Set(fitting.map((log) => log.transaction))) {
    const [receipt, call] = await Promise.all([
      chain.receipt(transaction),
      chain.transaction(transaction),
    ]);
    if (receipt === undefined || call === undefined || !by(call) || !hasSettled(job, receipt))
      continue;
    const mined = await chain.block(receipt.block);
    if (mined === undefined) throw notFound();
    return mined.timestampSeconds >= claimedAtSeconds(job) ? { usedIn: receipt } : "spent";
  }
  if (before === undefined) {
    // Longer ago than is looked back. Of which payment such a transfer is nobody can say now either.
    if (fitting.length > 0) throw notFound();
    return "spent";
  }
  const first = await firstUse(chain, job, before, at);
  const block = await chain.block(first);
  if (block === undefined) throw notFound();
  const receipts = await chain.blockReceipts(block);
  // Such a transfer is there, and of which payment nobody can say: it came through a contract that may do anything.
  if (receipts.some(({ logs: each }) => each.some((log) => isSuch(usage, log)))) throw notFound();
  if (!(await isFirstUse(chain, job, block))) throw notFound();
  return "spent";
}

/** Whether a block is still the one in which a payment was used: states may have been read of several forks. */
async function isFirstUse(chain: EvmChain, job: Job, { number, hash }: Head): Promise<boolean> {
  const [before, used, block] = await Promise.all([
    isUsed(chain, job, number - 1n),
    isUsed(chain, job, number),
    chain.block(number),
  ]);
  return before !== true && used === true && block?.hash === hash;
}

/** Whether a log is one of those to look for. */
function isSuch({ address, topics, data }: Usage, log: Log): boolean {
  return (
    log.address.toLowerCase() === address.toLowerCase() &&
    topics.every((topic, index) => topic === null || topic === log.topics[index]) &&
    (data === undefined || data === log.data)
  );
}

/** The block in which a payment was used: not used in `before`, used in `at`. */
async function firstUse(chain: EvmChain, job: Job, before: bigint, at: bigint): Promise<bigint> {
  let [low, high] = [before, at];
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    const used = await isUsed(chain, job, middle);
    if (used === undefined) throw notFound();
    if (used) high = middle;
    else low = middle;
  }
  return high;
}

/** The number of a block that is older than this, not much; nothing when there is none as far as is looked back. */
async function lastBlockBefore(
  chain: EvmChain,
  at: bigint,
  seconds: number,
): Promise<bigint | undefined> {
  const agoMs = Math.max(0, Date.now() - seconds * 1000);
  let back = BigInt(Math.ceil(agoMs / Math.max(1, chain.blockTimeMs()))) + 1n;
  for (; back <= LOOK_BACK_BLOCKS; back *= 2n) {
    if (back >= at) return 0n; // before the first block nothing was used
    const block = await chain.block(at - back);
    if (block === undefined) throw notFound();
    if (block.timestampSeconds < seconds) return at - back;
  }
  return undefined;
}

/** Whether a payment was used or cancelled, up to a block or by now; nothing when the node does not say. */
async function isUsed(chain: EvmChain, job: Job, block?: bigint): Promise<boolean | undefined> {
  const { mask, ...call } = job.scheme.used(job.payment);
  const state = await chain.call({ ...call, ...(block !== undefined && { block }) });
  if (!state.ok || state.data.length !== 66) return undefined;
  const word = BigInt(state.data);
  return (mask === undefined ? word : word & mask) !== 0n;
}

const hasSettled = ({ scheme, payment }: Job, { success, logs }: Receipt): boolean =>
  success && scheme.outcome(payment, logs) === "settled";

const claimedAtSeconds = ({ sinceMs }: Job): number =>
  Math.floor(sinceMs / 1000) - CLOCK_SKEW_SECONDS;

const notFound = () =>
  new X402Error("rpc_unavailable", "the use of an authorization is not found yet", {
    retry: "unsafe",
  });
