/**
 * Code sizes of many addresses in one `eth_call` without a contract: the call "deploys" this program, whose would-be
 * code is its answer. It reads the addresses that stand behind it, one word each, and puts EXTCODESIZE in their place.
 */
import type { Hex } from "../../src/core/scheme.ts";

/** PUSH1 36, CODESIZE, SUB, DUP1, PUSH1 36, PUSH1 0, CODECOPY: the words into memory, their length on the stack. */
const COPY = "60243803806024600039";
/** PUSH1 0, JUMPDEST (12), DUP2, DUP2, LT, ISZERO, PUSH1 31, JUMPI: for every offset below the length… */
const LOOP = "60005b81811015601f57";
/** …DUP1, MLOAD, EXTCODESIZE, DUP2, MSTORE, PUSH1 32, ADD, PUSH1 12, JUMP: the size in place of the address. */
const BODY = "80513b8152602001600c56";
/** JUMPDEST (31), POP, PUSH1 0, RETURN. */
const END = "5b506000f3";

export function codeSizesCall(addresses: readonly Hex[]): Hex {
  const words = addresses.map((address) => address.slice(2).padStart(64, "0"));
  return `0x${COPY}${LOOP}${BODY}${END}${words.join("")}`;
}

/** One size an address; nothing when that is not what was answered. */
export function parseCodeSizes(data: Hex, count: number): bigint[] | undefined {
  if (data.length !== 2 + 64 * count) return undefined;
  return Array.from({ length: count }, (_, i) =>
    BigInt(`0x${data.slice(2 + 64 * i, 66 + 64 * i)}`),
  );
}
