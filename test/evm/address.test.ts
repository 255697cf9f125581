import fc from "fast-check";
import { getAddress } from "viem";
import { describe, expect, test } from "vitest";
import { checksumAddress, parseAddress } from "../../src/evm/address.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { address, recased } from "./arbitraries.ts";

test("the checksum of any address is viem's, whatever the case it comes in", () => {
  fc.assert(
    fc.property(address, fc.array(fc.boolean(), { minLength: 7, maxLength: 41 }), (hex, upper) => {
      expect(checksumAddress(recased(hex, upper) as typeof hex)).toBe(getAddress(hex));
    }),
  );
});

test("checksums stay right when there were more addresses than the cache holds", () => {
  const addresses = fc.sample(address, 5000);
  for (const hex of addresses) checksumAddress(hex);
  for (const hex of addresses.slice(0, 20)) expect(checksumAddress(hex)).toBe(getAddress(hex));
});

describe("parseAddress", () => {
  test("takes lower case, upper case and the right checksum, and gives lower case", () => {
    fc.assert(
      fc.property(address, (hex) => {
        for (const form of [hex, `0x${hex.slice(2).toUpperCase()}`, getAddress(hex)])
          expect(parseAddress(form)).toBe(hex);
      }),
    );
  });

  test("refuses mixed case with any other checksum", () => {
    fc.assert(
      fc.property(address, fc.nat(), (hex, at) => {
        const right = getAddress(hex);
        const letters = [...right.matchAll(/[a-f]/gi)].map(({ index }) => index);
        fc.pre(letters.length > 2);
        const index = letters[at % letters.length]!;
        const letter = right.charAt(index);
        const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
        const wrong = right.slice(0, index) + other + right.slice(index + 1);
        fc.pre(
          wrong.slice(2) !== wrong.slice(2).toLowerCase() &&
            wrong.slice(2) !== wrong.slice(2).toUpperCase(),
        );
        expect(parseAddress(wrong)).toBeUndefined();
      }),
    );
  });

  test.each([
    "",
    "0x",
    `0x${"a".repeat(39)}`,
    `0x${"a".repeat(41)}`,
    `0x${"a".repeat(42)}`,
    "a".repeat(40),
    `0X${"a".repeat(40)}`,
    `0x${"g".repeat(40)}`,
    ` 0x${"a".repeat(40)}`,
    `0x${"a".repeat(40)}\n`,
    "vitalik.eth",
    "__proto__",
  ])("%j is no address", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test("arbitrary text is no address", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(parseAddress(text)).toBeUndefined();
      }),
    );
  });
});

describe("payTo of a seller", () => {
  const { payTo } = exactEvm();

  test("is advertised with its checksum", () => {
    fc.assert(
      fc.property(address, (hex) => {
        expect(payTo(hex)).toBe(getAddress(hex));
      }),
    );
  });

  test.each(["", "0x1", "vitalik.eth", "0x036CbD53842c5426634e7929541eC2318f3dCF7E"])(
    "%j is a TypeError that says payTo",
    (text) => {
      expect(() => payTo(text)).toThrow(TypeError);
      expect(() => payTo(text)).toThrow(/payTo/);
    },
  );
});
