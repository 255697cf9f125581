import type { Network } from "../src/core/network.ts";
import type { Call, ChainReader, Hex, Log } from "../src/core/scheme.ts";
import type { BroadcastOutcome } from "./rpc/errors.ts";

export interface Head {
  readonly number: bigint;
  readonly hash: Hex;
  readonly parentHash: Hex;
  readonly timestampSeconds: number;
  /** Wei per gas. */
  readonly baseFeePerGas: bigint;
}

export interface Fees {
  /** Wei per gas. */
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

export interface Receipt {
  readonly transaction: Hex;
  readonly success: boolean;
  readonly block: bigint;
  readonly blockHash: Hex;
  readonly gasUsed: bigint;
  /** In the order of their emission. */
  readonly logs: readonly Log[];
}

export interface LogFilter {
  readonly address: Hex;
  readonly topics: readonly (Hex | null)[];
  readonly fromBlock: bigint;
}

/**
 * One EVM chain over any number of JSON-RPC endpoints. Reads throw `rpc_unavailable` when no endpoint answers in time;
 * an answer that is stale is possible, one that is made up is not looked for here.
 */
export interface EvmChain extends ChainReader {
  readonly network: Network;
  /** Chain id that the endpoints report; they must agree. */
  chainId(): Promise<number>;
  /** The newest block that was seen; asks the endpoints unless a watch is running and fresh. */
  head(): Promise<Head>;
  /**
   * Tells of every new head until the returned function is called: websocket where an endpoint has one, else by
   * polling at a fraction of the block time. One watch serves all listeners; nothing is asked while there are none.
   * Heads may be skipped, and after a reorganization come again with other hashes.
   */
  watch(listener: (head: Head) => void): () => void;
  /** Number of the newest block that the chain calls final; 0 when it does not say. */
  finalized(): Promise<bigint>;
  /** Header of a block by number; nothing when there is none yet. */
  block(number: bigint): Promise<Head | undefined>;
  /** Receipts of all transactions of a block, in one call where the endpoint can. */
  blockReceipts(head: Pick<Head, "number" | "hash">): Promise<readonly Receipt[]>;
  /** Nothing when the transaction is not in a block. */
  receipt(transaction: Hex): Promise<Receipt | undefined>;
  /** What a transaction that is in a block, or waits for one, calls; nothing when there is none, or it calls nothing. */
  transaction(hash: Hex): Promise<Call | undefined>;
  /** Which of these addresses have code, in one call: contracts, and accounts that delegate to one (EIP-7702). */
  haveCode(addresses: readonly Hex[]): Promise<readonly boolean[]>;
  /** Next nonce of an account: after the latest block, or with what waits in the pool. */
  nonce(address: Hex, at: "latest" | "pending"): Promise<number>;
  /** Wei. */
  balance(address: Hex): Promise<bigint>;
  logs(filter: LogFilter): Promise<readonly (Log & { readonly transaction: Hex })[]>;
  /** EIP-1559 fees for a transaction now, cached per head, never over the chain's ceiling. */
  fees(): Promise<Fees>;
  /** The most that may be paid, wei per gas; what `fees` and every replacement stay under. */
  readonly feeCeiling: bigint;
  /** Sends a signed transaction. Never throws: what is not known is `unknown`. */
  broadcast(raw: Hex): Promise<BroadcastOutcome>;
  /** Milliseconds between blocks as observed; a guess at first. */
  blockTimeMs(): number;
  close(): void;
}
