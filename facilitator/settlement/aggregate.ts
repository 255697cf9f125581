/** ABI of Multicall3's `aggregate3`, by hand: it is on the path of every payment. A test compares with viem. */
import { MULTICALL3_ADDRESS } from "../../contracts-abi/multicall3.ts";
import type { Call, Hex } from "../../src/core/scheme.ts";

/** `aggregate3((address target, bool allowFailure, bytes callData)[])` */
const SELECTOR = "0x82ad56cb";

const word = (value: number): string => value.toString(16).padStart(64, "0");

/** One call that makes all of these, each of which may fail by itself. */
export function aggregate(calls: readonly Call[]): Call {
  const tuples = calls.map(({ to, data }) => {
    const bytes = data.slice(2);
    const padding = "0".repeat((64 - (bytes.length % 64)) % 64);
    const target = to.slice(2).toLowerCase().padStart(64, "0");
    return target + word(1) + word(96) + word(bytes.length / 2) + bytes + padding;
  });
  let offset = 32 * calls.length;
  const offsets = tuples.map((tuple) => {
    const at = word(offset);
    offset += tuple.length / 2;
    return at;
  });
  const data: Hex = `${SELECTOR}${word(32)}${word(calls.length)}${offsets.join("")}${tuples.join("")}`;
  return { to: MULTICALL3_ADDRESS, data };
}

/** Whether each call succeeded, from what `aggregate3` returned; nothing when that is not its form. */
export function aggregateResults(data: Hex, count: number): boolean[] | undefined {
  const at = (byte: number): number | undefined => {
    const text = data.slice(2 + 2 * byte, 2 + 2 * byte + 64);
    const value = text.length === 64 ? Number(`0x${text}`) : Number.NaN;
    return Number.isSafeInteger(value) ? value : undefined;
  };
  if (at(0) !== 32 || at(32) !== count) return undefined;
  const results: boolean[] = [];
  for (let i = 0; i < count; i++) {
    const offset = at(64 + 32 * i);
    const success = offset === undefined ? undefined : at(64 + offset);
    if (success !== 0 && success !== 1) return undefined;
    results.push(success === 1);
  }
  return results;
}
