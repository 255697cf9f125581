import type { Call, Hex } from "../core/scheme.ts";

/** `aggregate3((address target, bool allowFailure, bytes callData)[])` of Multicall3. */
const AGGREGATE3 = "0x82ad56cb";
/** No transaction has more calls than this. */
const MAX_CALLS = 10_000;

/** The calls in calldata of Multicall3's `aggregate3`; nothing when it is anything else. */
export function parseAggregate(data: Hex): readonly Call[] | undefined {
  if (data.slice(0, 10).toLowerCase() !== AGGREGATE3) return undefined;
  const digits = data.slice(10);
  /** A word at a byte, as a number of bytes or of calls. */
  const numberAt = (byte: number): number => {
    const text = digits.slice(2 * byte, 2 * byte + 64);
    const value = text.length === 64 ? Number(`0x${text}`) : Number.NaN;
    return value <= digits.length ? value : Number.NaN;
  };
  const list = numberAt(0);
  const count = numberAt(list);
  if (!(count <= MAX_CALLS)) return undefined;
  const calls: Call[] = [];
  for (let i = 0; i < count; i++) {
    const tuple = list + 32 + numberAt(list + 32 + 32 * i);
    const bytes = tuple + numberAt(tuple + 64);
    const length = numberAt(bytes);
    const end = 2 * (bytes + 32 + length);
    if (!(end <= digits.length)) return undefined;
    calls.push({
      to: `0x${digits.slice(2 * tuple + 24, 2 * tuple + 64)}`,
      data: `0x${digits.slice(2 * bytes + 64, end)}`,
    });
  }
  return calls;
}
