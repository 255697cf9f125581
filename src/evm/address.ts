import type { Hex } from "../core/scheme.ts";
import { isHex } from "../core/hex.ts";
import { keccakText } from "./keccak.ts";

const CACHE_SIZE = 4096;
const checksums = new Map<string, Hex>();

/** Address with its checksum (ERC-55). The input is 20 bytes of hex in any case. */
export function checksumAddress(address: Hex): Hex {
  const lower = address.slice(2).toLowerCase();
  const known = checksums.get(lower);
  if (known !== undefined) return known;
  const hash = keccakText(lower);
  // A letter is in upper case where the nibble at its place is 8 or more.
  const text: Hex = `0x${lower.replace(/./g, (digit, i: number) =>
    (hash[i >> 1] ?? 0) & (i % 2 ? 8 : 128) ? digit.toUpperCase() : digit,
  )}`;
  if (checksums.size >= CACHE_SIZE) checksums.clear();
  checksums.set(lower, text);
  return text;
}

/**
 * Canonical (lower-case) form of an address. Nothing when it is not 20 bytes, or is mixed case with a wrong checksum:
 * somebody mistyped it, and money sent there is lost.
 */
export function parseAddress(text: string): Hex | undefined {
  if (!isHex(text, 20)) return undefined;
  const digits = text.slice(2);
  const lower = digits.toLowerCase();
  if (digits === lower || digits === digits.toUpperCase() || checksumAddress(text) === text)
    return `0x${lower}`;
  return undefined;
}
