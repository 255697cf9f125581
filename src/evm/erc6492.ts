import type { Call, Hex } from "../core/scheme.ts";
import { isErc6492 } from "./signature.ts";

/** A signature of a wallet that is perhaps not on the chain yet, with the call that puts it there (ERC-6492). */
export interface Erc6492Signature {
  readonly deployment: Call;
  /** What the wallet itself is asked about. */
  readonly signature: Hex;
}

/** The suffix: 32 bytes, in hex digits. */
const SUFFIX_DIGITS = 64;
const WORD_DIGITS = 64;
/** The address and the two offsets. */
const HEAD_WORDS = 3;

/** Unwraps `abi.encode(address factory, bytes factoryCalldata, bytes signature)` and the suffix; nothing for anything else. */
export function parseErc6492(wrapped: Hex): Erc6492Signature | undefined {
  if (!isErc6492(wrapped)) return undefined;
  const digits = wrapped.slice(2, -SUFFIX_DIGITS).toLowerCase();
  const factory = digits.slice(0, WORD_DIGITS);
  const data = bytesAt(digits, 1);
  const signature = bytesAt(digits, 2);
  if (data === undefined || signature === undefined || !factory.startsWith("0".repeat(24))) {
    return undefined;
  }
  if (/^0+$/.test(factory) || isErc6492(signature)) return undefined;
  return { deployment: { to: `0x${factory.slice(24)}`, data }, signature };
}

/** The `bytes` argument whose offset is in this word. */
function bytesAt(digits: string, word: number): Hex | undefined {
  const offset = numberAt(digits, word * WORD_DIGITS);
  if (offset === undefined || 2 * offset < HEAD_WORDS * WORD_DIGITS) return undefined;
  const length = numberAt(digits, 2 * offset);
  if (length === undefined) return undefined;
  const start = 2 * offset + WORD_DIGITS;
  const bytes = digits.slice(start, start + 2 * length);
  return bytes.length === 2 * length ? `0x${bytes}` : undefined;
}

/** A word that is a small number: nothing of the wrapper is longer than the payload may be. */
function numberAt(digits: string, at: number): number | undefined {
  const word = digits.slice(at, at + WORD_DIGITS);
  return /^0{56}[0-9a-f]{8}$/.test(word) ? Number.parseInt(word, 16) : undefined;
}
