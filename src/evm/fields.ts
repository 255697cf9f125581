/** Fields of payloads on EVM chains. Decoding gives canonical values: lower-case hex, bigints. */
import { isAtomicAmount } from "../core/amount.ts";
import { isHex } from "../core/hex.ts";
import { map, string } from "../core/schema.ts";
import type { Hex } from "../core/scheme.ts";
import { parseAddress } from "./address.ts";

export const address = map(
  string(42, (text) => (parseAddress(text) === undefined ? "must be an address" : undefined)),
  (text) => text.toLowerCase() as Hex,
);

export const uint = map(
  string(78, (text) => (isAtomicAmount(text) ? undefined : "must be a decimal string")),
  BigInt,
);

/** Hex of at most so many bytes, or of exactly as many as are said. */
export const bytes = (maxBytes: number, exactly?: number) =>
  map(
    string(2 + 2 * maxBytes, (text) => (isHex(text, exactly) ? undefined : "must be hex bytes")),
    (text) => text.toLowerCase() as Hex,
  );

/** A signature of a key, or of a wallet. */
export const signature = bytes(2048);
