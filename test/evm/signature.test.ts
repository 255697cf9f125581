import fc from "fast-check";
import {
  hexToBytes,
  parseSignature,
  recoverAddress as viemRecoverAddress,
  serializeCompactSignature,
  signatureToCompactSignature,
} from "viem";
import { sign } from "viem/accounts";
import { describe, expect, test } from "vitest";
import type { Hex } from "../../src/core/scheme.ts";
import { isErc6492, parseEcdsa, recoverAddress } from "../../src/evm/signature.ts";
import { hexOf, word } from "./arbitraries.ts";

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const HALF = ORDER / 2n;
const privateKey = fc.bigInt({ min: 1n, max: ORDER - 1n }).map((key): Hex => `0x${word(key)}`);
const from = (r: bigint, s: bigint, v = "1b"): Hex => `0x${word(r)}${word(s)}${v}`;

describe("forms of one signature", () => {
  test("v of 0, 1, 27, 28 and the 64 bytes of EIP-2098 are the same", async () => {
    await fc.assert(
      fc.asyncProperty(privateKey, hexOf(32), async (key, hash) => {
        const signature = await sign({ privateKey: key, hash, to: "hex" });
        const { r, s, yParity } = parseSignature(signature);
        const expected = { r: BigInt(r), s: BigInt(s), yParity };
        const compact = serializeCompactSignature(
          signatureToCompactSignature(parseSignature(signature)),
        );
        const body = signature.slice(0, 130) as Hex;
        const forms: Hex[] = [
          signature,
          compact,
          `${body}0${yParity}`,
          `${body}${(27 + yParity).toString(16)}`,
        ];
        for (const form of [
          ...forms,
          ...forms.map((text): Hex => `0x${text.slice(2).toUpperCase()}`),
        ]) {
          expect(parseEcdsa(form)).toEqual(expected);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("every other v is refused", () => {
    for (let v = 0; v < 256; v++) {
      const parsed = parseEcdsa(from(1n, 1n, v.toString(16).padStart(2, "0")));
      expect(parsed?.yParity).toBe({ 0: 0, 1: 1, 27: 0, 28: 1 }[v]);
    }
  });

  test("the second signature that ECDSA allows, with high s, is refused", () => {
    const lowS = fc.bigInt({ min: 1n, max: HALF });
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: ORDER - 1n }), lowS, (r, s) => {
        expect(parseEcdsa(from(r, s))).toEqual({ r, s, yParity: 0 });
        expect(parseEcdsa(from(r, ORDER - s))).toBeUndefined();
        expect(parseEcdsa(from(r, ORDER - s, "1c"))).toBeUndefined();
      }),
    );
  });

  test.each([
    ["r = 0", from(0n, 1n), false],
    ["s = 0", from(1n, 0n), false],
    ["r = n", from(ORDER, 1n), false],
    ["r = n - 1", from(ORDER - 1n, 1n), true],
    ["r = 2^256 - 1", from(2n ** 256n - 1n, 1n), false],
    ["s = n / 2", from(1n, HALF), true],
    ["s = n / 2 + 1", from(1n, HALF + 1n), false],
    ["s = n", from(1n, ORDER), false],
    ["s = n - 1", from(1n, ORDER - 1n), false],
    ["compact with s = 0", from(1n, 2n ** 255n, ""), false],
    ["compact with high s", from(1n, HALF + 1n, ""), false],
    ["64 bytes of zeros", from(0n, 0n, ""), false],
  ] as const)("%s", (_, signature, accepted) => {
    expect(parseEcdsa(signature) !== undefined).toBe(accepted);
  });
});

describe("garbage", () => {
  test("bytes of any other length are no signature", () => {
    const bytes = fc
      .integer({ min: 0, max: 200 })
      .filter((length) => length !== 64 && length !== 65);
    fc.assert(
      fc.property(bytes.chain(hexOf), (hex) => {
        expect(parseEcdsa(hex)).toBeUndefined();
      }),
    );
  });

  test("bytes of the right length are in canonical form or no signature", () => {
    fc.assert(
      fc.property(fc.constantFrom(64, 65).chain(hexOf), (hex) => {
        const parsed = parseEcdsa(hex);
        if (parsed === undefined) return;
        expect(parsed.r > 0n && parsed.r < ORDER && parsed.s > 0n && parsed.s <= HALF).toBe(true);
      }),
    );
  });

  test("text of the right length that is not hex is no signature, and nothing is thrown", () => {
    const notHex = fc
      .constantFrom(128, 130)
      .chain((length) => fc.string({ minLength: length, maxLength: length }));
    fc.assert(
      fc.property(notHex, (text) => {
        expect(parseEcdsa(`0x${text}`)).toBeUndefined();
      }),
    );
    expect(parseEcdsa(from(1n, 1n, "0z"))).toBeUndefined();
    expect(parseEcdsa(from(1n, 1n, " 1"))).toBeUndefined();
  });

  test("recovering from values that no key could have made gives nothing, or what viem gives", async () => {
    const scalar = fc.bigInt({ min: 1n, max: HALF });
    await fc.assert(
      fc.asyncProperty(
        scalar,
        scalar,
        fc.constantFrom(0 as const, 1 as const),
        hexOf(32),
        async (r, s, yParity, hash) => {
          const expected = await viemRecoverAddress({
            hash,
            signature: from(r, s, `0${yParity}`),
          }).catch(() => undefined);
          expect(recoverAddress(hexToBytes(hash), { r, s, yParity })).toBe(expected?.toLowerCase());
        },
      ),
      { numRuns: 60 },
    );
  });
});

test("recovery finds the signer, as viem does", async () => {
  await fc.assert(
    fc.asyncProperty(privateKey, hexOf(32), async (key, hash) => {
      const signature = await sign({ privateKey: key, hash, to: "hex" });
      const expected = await viemRecoverAddress({ hash, signature });
      expect(recoverAddress(hexToBytes(hash), parseEcdsa(signature)!)).toBe(expected.toLowerCase());
    }),
    { numRuns: 30 },
  );
});

test("an ERC-6492 signature is told by its last 32 bytes, in any case", () => {
  const suffix = "6492".repeat(16);
  expect(isErc6492(`0x${suffix}`)).toBe(true);
  expect(isErc6492(`0xabcd${suffix}`)).toBe(true);
  expect(isErc6492(`0x${suffix}00`)).toBe(false);
  expect(isErc6492(`0x${suffix.slice(2)}`)).toBe(false);
});
