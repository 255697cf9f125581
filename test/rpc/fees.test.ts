import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bumpFees, feeLimits, suggestFees } from "../../facilitator/rpc/fees.ts";

const GWEI = 10n ** 9n;
const wei = (max: bigint): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max });
const fees = fc.tuple(wei(1000n * GWEI), wei(1000n * GWEI)).map(([a, b]) => ({
  maxFeePerGas: a > b ? a : b,
  maxPriorityFeePerGas: a > b ? b : a,
}));

describe("suggestion", () => {
  it("is twice the base fee and the tip", () => {
    const limits = feeLimits(31337);
    expect(suggestFees(7n * GWEI, GWEI, limits)).toEqual({
      maxFeePerGas: 15n * GWEI,
      maxPriorityFeePerGas: GWEI,
    });
  });

  it("has the least tip of the chain", () => {
    expect(suggestFees(0n, 0n, feeLimits(137)).maxPriorityFeePerGas).toBe(25n * GWEI);
    expect(suggestFees(0n, 0n, feeLimits(8453)).maxPriorityFeePerGas).toBe(1_000_000n);
  });

  it("takes a ceiling for the chain's own", () => {
    expect(feeLimits(8453).ceiling).toBe(10n * GWEI);
    expect(feeLimits(8453, 3n)).toEqual({ ceiling: 3n, minTip: 3n, maxTip: 3n });
    expect(feeLimits(999_999).ceiling).toBe(500n * GWEI);
  });

  it("is never over the ceiling, nor the tip over the fee, nor over a quarter of the ceiling", () => {
    fc.assert(
      fc.property(
        wei(10n ** 15n),
        wei(10n ** 20n),
        wei(10n ** 13n),
        fc.constantFrom(1, 137, 8453, 84532, 5),
        (base, tip, ceiling, chain) => {
          const limits = feeLimits(chain, ceiling);
          const { maxFeePerGas, maxPriorityFeePerGas } = suggestFees(base, tip, limits);
          expect(maxFeePerGas <= ceiling).toBe(true);
          expect(maxPriorityFeePerGas <= maxFeePerGas).toBe(true);
          expect(
            maxPriorityFeePerGas <= ceiling / 4n || maxPriorityFeePerGas <= limits.minTip,
          ).toBe(true);
        },
      ),
    );
  });
});

describe("bump", () => {
  const ENOUGH = (before: bigint, after: bigint): boolean =>
    after > before && after * 1000n >= before * 1125n;

  it("raises both fees by an eighth at least, to what is suggested at least, and never over the ceiling", () => {
    fc.assert(
      fc.property(fees, fees, wei(2000n * GWEI), (previous, current, ceiling) => {
        const bumped = bumpFees(previous, current, ceiling);
        if (bumped === undefined) {
          // Only when there is no way: the least that is enough is over the ceiling.
          const least = (value: bigint): bigint => value + (value / 8n + 1n);
          const need = [
            least(previous.maxFeePerGas),
            current.maxFeePerGas,
            least(previous.maxPriorityFeePerGas),
          ];
          expect(need.some((fee) => fee > ceiling)).toBe(true);
          return;
        }
        expect(ENOUGH(previous.maxFeePerGas, bumped.maxFeePerGas)).toBe(true);
        expect(ENOUGH(previous.maxPriorityFeePerGas, bumped.maxPriorityFeePerGas)).toBe(true);
        expect(bumped.maxFeePerGas >= current.maxFeePerGas).toBe(true);
        expect(bumped.maxPriorityFeePerGas >= current.maxPriorityFeePerGas).toBe(true);
        expect(bumped.maxFeePerGas <= ceiling).toBe(true);
        expect(bumped.maxPriorityFeePerGas <= bumped.maxFeePerGas).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it("goes up to the ceiling in a bounded number of steps, then says so", () => {
    let fee = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n };
    let steps = 0;
    for (let next; (next = bumpFees(fee, fee, 500n * GWEI)) !== undefined; steps++) fee = next;
    expect(steps).toBeGreaterThan(50);
    expect(steps).toBeLessThan(150);
    expect(fee.maxFeePerGas > 440n * GWEI).toBe(true);
  });

  it("uses the last eighth under the ceiling", () => {
    const previous = { maxFeePerGas: 88n, maxPriorityFeePerGas: 8n };
    expect(bumpFees(previous, previous, 100n)).toEqual({
      maxFeePerGas: 100n,
      maxPriorityFeePerGas: 10n,
    });
    expect(bumpFees(previous, previous, 98n)).toBeUndefined();
  });
});
