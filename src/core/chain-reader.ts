/** Calls, and what a scheme may read from the chain. */
import type { Hex } from "./scheme.ts";

export interface Call {
  readonly to: Hex;
  readonly data: Hex;
}

/** A call that changes nothing. Without `to`, the data is a program, and the answer is what it returns. */
export interface ReadCall extends Omit<Call, "to"> {
  readonly to?: Hex;
  readonly from?: Hex;
  readonly gas?: bigint;
  readonly block?: bigint;
  /** As a transaction with this price would see it; left out where the sender could not pay it. Wei per gas. */
  readonly fees?: { readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint };
  /** What is at an address during this call, in place of what is there: a state override, which not every node takes. */
  readonly code?: { readonly address: Hex; readonly code: Hex };
  /** It runs code of a stranger's choosing: it shares no request with others, and an answer over 64 KiB is a revert. */
  readonly untrusted?: boolean;
}

/** What a scheme may read from the chain. */
export interface ChainReader {
  /** `eth_call` at the latest block. A revert is an answer, an unreachable node throws `rpc_unavailable`. */
  call(call: ReadCall): Promise<{ ok: boolean; data: Hex }>;
  /** Code at an address; `0x` when there is none. */
  code(address: Hex): Promise<Hex>;
}

export interface Log {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
}
