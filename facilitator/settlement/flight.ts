import { keccak256, parseTransaction, type LocalAccount } from "viem";
import { MULTICALL3_ADDRESS } from "../../contracts-abi/multicall3.ts";
import { evmChainId } from "../../src/core/network.ts";
import type { Hex } from "../../src/core/scheme.ts";
import type { LaneTransaction } from "../../src/ledger/lanes.ts";
import type { EvmChain, Fees } from "../chain.ts";
import { aggregate } from "./aggregate.ts";
import type { Job } from "./job.ts";

/** A signed transaction. Several of one nonce are versions of each other, with rising fees. */
export interface Version {
  readonly hash: Hex;
  readonly raw: Hex;
  readonly fees: Fees;
}

/**
 * A nonce of a lane and what it is used for.
 * - `unsent`: refused by the nodes for now (no gas money). - `flying`: sent, or may have been.
 * - `mined`: in a block, watched until that is beyond doubt. - `lost`: another transaction has its nonce.
 */
export interface Flight {
  readonly nonce: number;
  readonly jobs: readonly Job[];
  /** Payment keys as the log has them. */
  readonly members: readonly string[];
  readonly versions: Version[];
  state: "unsent" | "flying" | "mined" | "lost";
  firstSentMs: number;
  lastSentMs: number;
  /** Where it was mined. */
  mined?: { readonly transaction: Hex; readonly block: bigint; readonly blockHash: Hex };
}

export function newFlight(nonce: number, jobs: readonly Job[], version: Version): Flight {
  const now = Date.now();
  return {
    nonce,
    jobs,
    members: jobs.map((job) => job.key),
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
  const raw = await account.signTransaction({
    type: "eip1559",
    chainId: evmChainId(chain.network) ?? 0,
    nonce,
    ...callOf(account.address, jobs),
    ...fees,
  });
  return { raw, hash: keccak256(raw), fees };
}

function callOf(self: Hex, jobs: readonly Job[]): { to: Hex; data?: Hex; gas: bigint } {
  const [first] = jobs;
  if (first === undefined) return { to: self, gas: 21_000n };
  if (jobs.length === 1)
    return { to: first.call.to, data: first.call.data, gas: first.call.gasLimit };
  const { data } = aggregate(jobs.map((job) => job.call));
  const gas = jobs.reduce(
    (sum, job) => sum + (job.call.batchGas ?? job.call.gasLimit),
    OVERHEAD_GAS,
  );
  return { to: MULTICALL3_ADDRESS, data, gas };
}

/** The log's entry of a version. */
export function logEntry(
  flight: Pick<Flight, "nonce" | "members">,
  version: Version,
): LaneTransaction {
  return {
    version: 1,
    hash: version.hash,
    raw: version.raw,
    nonce: flight.nonce,
    members: flight.members,
  };
}

/** A version as the log has it. */
export function versionOf(entry: LaneTransaction): Version {
  const raw = entry.raw as Hex;
  const { maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = parseTransaction(raw);
  return { raw, hash: entry.hash as Hex, fees: { maxFeePerGas, maxPriorityFeePerGas } };
}
