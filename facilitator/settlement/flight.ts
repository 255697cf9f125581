import { parseTransaction, type LocalAccount } from "viem";
import { MULTICALL3_ADDRESS } from "../../contracts-abi/multicall3.ts";
import { evmChainId } from "../../src/core/network.ts";
import type { Hex } from "../../src/core/scheme.ts";
import type { LaneTransaction } from "../../src/ledger/lanes.ts";
import type { EvmChain, Fees } from "../chain.ts";
import { aggregate } from "./aggregate.ts";
import type { Job } from "./job.ts";
import { signTransaction } from "./transaction.ts";

/** A signed transaction. Several of one nonce are versions of each other, with rising fees. */
export interface Version {
  readonly hash: Hex;
  readonly raw: Hex;
  readonly fees: Fees;
  /** Keys of the payments that it carries, in the order of its calls. */
  readonly members: readonly string[];
}

/**
 * A nonce of a lane and what it is used for.
 * - `unsent`: refused by the nodes for now (no gas money). - `flying`: sent, or may have been.
 * - `mined`: in a block, watched until that is beyond doubt. - `lost`: another transaction has its nonce.
 */
export interface Flight {
  readonly nonce: number;
  /** The payments of all versions, as far as anything is left to do for them. */
  readonly jobs: readonly Job[];
  readonly versions: Version[];
  state: "unsent" | "flying" | "mined" | "lost";
  firstSentMs: number;
  lastSentMs: number;
  /** Where it was mined; `done` when nothing is left to do for its payments as long as that block stands. */
  mined?: {
    readonly transaction: Hex;
    readonly block: bigint;
    readonly blockHash: Hex;
    done: boolean;
  };
}

export function newFlight(nonce: number, jobs: readonly Job[], version: Version): Flight {
  const now = Date.now();
  return {
    nonce,
    jobs,
    versions: [version],
    state: "flying",
    firstSentMs: now,
    lastSentMs: now,
  };
}

/** Gas beside what the members set aside: the transaction's own, and Multicall3's loop over calldata. */
const OVERHEAD_GAS = 60_000n;

/** Signs the transaction that settles these payments; with none of them, one that only uses its nonce up. */
export async function signVersion(
  chain: EvmChain,
  account: LocalAccount,
  jobs: readonly Job[],
  nonce: number,
  fees: Fees,
): Promise<Version> {
  const chainId = evmChainId(chain.network) ?? 0;
  const fields = { chainId, nonce, fees, ...callOf(account.address, jobs) };
  const members = jobs.map((job) => job.key);
  return { ...(await signTransaction(account, fields)), fees, members };
}

/** The same transaction with other fees. */
export async function signAgain(
  account: LocalAccount,
  previous: Version,
  fees: Fees,
): Promise<Version> {
  const { to, data = "0x", gas = 0n, nonce = 0, chainId } = parseTransaction(previous.raw);
  if (to === undefined || to === null || chainId === undefined) {
    throw new TypeError("a transaction in the log is not one of ours");
  }
  const signed = await signTransaction(account, { chainId, nonce, to, data, gas, fees });
  return { ...previous, ...signed, fees };
}

function callOf(self: Hex, jobs: readonly Job[]): { to: Hex; data: Hex; gas: bigint } {
  const [first] = jobs;
  if (first === undefined) return { to: self, data: "0x", gas: 21_000n };
  const gas = gasOf(jobs);
  if (jobs.length === 1) return { to: first.call.to, data: first.call.data, gas };
  return { to: MULTICALL3_ADDRESS, data: aggregate(jobs.map((job) => job.call)).data, gas };
}

/** Gas that the transaction of these payments may use at the very most. */
export function gasOf(jobs: readonly Job[]): bigint {
  const [first] = jobs;
  if (first !== undefined && jobs.length === 1) return first.call.gasLimit;
  return jobs.reduce((sum, { call }) => sum + (call.batchGas ?? call.gasLimit), OVERHEAD_GAS);
}

/** The log's entry of a version. */
export function logEntry(nonce: number, { hash, raw, members }: Version): LaneTransaction {
  return { version: 1, hash, raw, nonce, members };
}

/** A version as the log has it. */
export function versionOf(entry: LaneTransaction): Version {
  const raw = entry.raw as Hex;
  const { maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = parseTransaction(raw);
  const fees = { maxFeePerGas, maxPriorityFeePerGas };
  return { raw, hash: entry.hash as Hex, fees, members: entry.members };
}
