import { keccak_256 } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { keccakText } from "../../src/evm/keccak.ts";

const reference = (text: string) => keccak_256(new TextEncoder().encode(text));
const ascii = fc.string({ unit: "binary-ascii", maxLength: 135 });

test("keccakText is Keccak-256 of every text that it takes", () => {
  const isSame = (text: string) => {
    expect(keccakText(text)).toEqual(reference(text));
  };
  fc.assert(fc.property(ascii, isSame), { numRuns: 2000 });
});

test("of every length", () => {
  for (let length = 0; length < 136; length++) {
    const text = "a".repeat(length);
    expect(keccakText(text)).toEqual(reference(text));
  }
});

test("but not of a longer text", () => {
  expect(() => keccakText("a".repeat(136))).toThrow(RangeError);
});
