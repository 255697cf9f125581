import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatAmount, isAtomicAmount, MAX_UINT256, parseAmount } from "../../src/core/amount.ts";

const decimals = fc.integer({ min: 0, max: 36 });

describe("isAtomicAmount", () => {
  test("takes the canonical decimal form of every uint256 and of nothing larger", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: MAX_UINT256 }), (value) =>
        isAtomicAmount(String(value)),
      ),
    );
    fc.assert(
      fc.property(
        fc.bigInt({ min: MAX_UINT256 + 1n, max: 10n ** 90n }),
        (value) => !isAtomicAmount(String(value)),
      ),
    );
    expect(isAtomicAmount(String(2n ** 256n - 1n))).toBe(true);
    expect(isAtomicAmount(String(2n ** 256n))).toBe(false);
  });

  test("takes one text a value: what it takes is what the value prints", () => {
    const nearly = fc.stringMatching(/^[-+ 0x_.,e\n]{0,2}[0-9]{0,80}[-. e\n]?$/);
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string()), (text) => {
        if (isAtomicAmount(text)) expect(String(BigInt(text))).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    "",
    "00",
    "01",
    "-1",
    "+1",
    "1.0",
    "1e3",
    "0x10",
    " 1",
    "1 ",
    "1\n",
    "1_000",
    "1,000",
    "NaN",
    "Infinity",
    "١",
  ])("refuses %j", (text) => {
    expect(isAtomicAmount(text)).toBe(false);
  });
});

describe("parseAmount and formatAmount", () => {
  test("formatting and parsing again gives the same atomic amount", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), decimals, (atomic, places) => {
        const text = formatAmount(atomic, places);
        expect(parseAmount(text, places)).toBe(atomic);
        expect(parseAmount(`$${text}`, places)).toBe(atomic);
      }),
    );
  });

  test("parsing is exact or refused: nothing is ever rounded", () => {
    const digits = fc.tuple(
      fc.bigInt({ min: 0n, max: 10n ** 20n }),
      fc.stringMatching(/^[0-9]{1,36}$/),
    );
    fc.assert(
      fc.property(digits, decimals, ([whole, fraction], places) => {
        const exact = whole * 10n ** BigInt(fraction.length) + BigInt(fraction);
        let parsed: bigint | undefined;
        try {
          parsed = parseAmount(`${whole}.${fraction}`, places);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
        }
        const scaled = exact * 10n ** BigInt(places);
        const unit = 10n ** BigInt(fraction.length);
        expect(parsed).toBe(scaled % unit === 0n ? scaled / unit : undefined);
      }),
      { numRuns: 500 },
    );
  });

  test("arbitrary text is a plain decimal or a TypeError", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), decimals, (text, places) => {
        try {
          parseAmount(text, places);
          expect(text).toMatch(/^\$?\d+(?:\.\d+)?$/);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ["$0.01", 6, 10_000n],
    ["0.01", 6, 10_000n],
    ["1", 6, 1_000_000n],
    ["$0.000001", 6, 1n],
    ["1.50", 1, 15n],
    ["1.000", 0, 1n],
    ["0", 6, 0n],
  ])("%s with %i decimals is %s", (text, places, atomic) => {
    expect(parseAmount(text, places)).toBe(atomic);
  });

  test.each([
    "",
    "$",
    "$$1",
    "1$",
    "-1",
    "+1",
    ".5",
    "1.",
    "01",
    "1e3",
    "0x1",
    "1,000",
    "1 ",
    " 1",
    "€1",
    "1\n",
    "NaN",
  ])("%j is no amount", (text) => {
    expect(() => parseAmount(text, 6)).toThrow(TypeError);
  });

  test("formatting has no trailing zeros and no point without a fraction", () => {
    expect(formatAmount(10_000n, 6)).toBe("0.01");
    expect(formatAmount(1_000_000n, 6)).toBe("1");
    expect(formatAmount(1n, 18)).toBe("0.000000000000000001");
    expect(formatAmount(0n, 6)).toBe("0");
    expect(formatAmount(7n, 0)).toBe("7");
  });
});
