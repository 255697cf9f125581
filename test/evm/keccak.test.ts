import { keccak_256 } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { keccakText } from "../../src/evm/keccak.ts";

const reference = (text: string) => keccak_256(new TextEncoder().encode(text));
const ascii = fc.string({ unit: "binary-ascii", maxLength: 600 });

test("keccakText is Keccak-256 of every ASCII text", () => {
  const isSame = (text: string) => {
    expect(keccakText(text)).toEqual(reference(text));
  };
  fc.assert(fc.property(ascii, isSame), { numRuns: 2000 });
});

test("of every length", () => {
  for (let length = 0; length < 600; length++) {
    const text = "a".repeat(length);
    expect(keccakText(text)).toEqual(reference(text));
  }
});
