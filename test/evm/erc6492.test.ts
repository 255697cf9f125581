import fc from "fast-check";
import { concat, encodeAbiParameters, serializeErc6492Signature } from "viem";
import { expect, test } from "vitest";
import type { Hex } from "../../src/core/scheme.ts";
import { parseErc6492 } from "../../src/evm/erc6492.ts";
import { address, hexOf } from "./arbitraries.ts";

const SUFFIX: Hex = `0x${"6492".repeat(16)}`;
const bytes = fc.integer({ min: 0, max: 200 }).chain(hexOf);
const factory = address.filter((text) => BigInt(text) !== 0n);
const wrap = (to: Hex, data: Hex, signature: Hex): Hex =>
  serializeErc6492Signature({ address: to, data, signature });

test("what viem wraps is unwrapped", () => {
  fc.assert(
    fc.property(factory, bytes, bytes, (to, data, signature) => {
      expect(parseErc6492(wrap(to, data, signature))).toEqual({
        deployment: { to, data },
        signature,
      });
    }),
  );
});

test("nothing is made of what was cut, or is a wrapper in a wrapper, or has no factory", () => {
  const to: Hex = `0x${"fa".repeat(20)}`;
  const inner = wrap(to, "0x11", "0x22");
  for (const wrapped of [
    SUFFIX,
    concat([inner.slice(0, 128) as Hex, SUFFIX]),
    concat([`0x${"00".repeat(96)}`, SUFFIX]),
    concat([`0x${"ff".repeat(320)}`, SUFFIX]),
    wrap(to, "0x11", inner),
    wrap(`0x${"00".repeat(20)}`, "0x11", "0x22"),
    encodeAbiParameters([{ type: "address" }, { type: "bytes" }], [to, "0x11"]),
  ]) {
    expect(parseErc6492(wrapped)).toBeUndefined();
  }
});

test("garbage before the suffix throws nothing", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 400 }).chain(hexOf), (garbage) => {
      const parsed = parseErc6492(concat([garbage, SUFFIX]));
      expect(parsed === undefined || parsed.deployment.to.length === 42).toBe(true);
    }),
  );
});
