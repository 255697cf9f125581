import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { NOW, paying, requirements } from "./arbitraries.ts";

const TOO_LATE = "invalid_exact_evm_payload_authorization_valid_before";
const TOO_EARLY = "invalid_exact_evm_payload_authorization_valid_after";
const TOO_LONG = "authorization_lifetime_too_long";

const scheme = exactEvmFacilitator();

function check(
  validAfter: number | bigint,
  validBefore: number | bigint,
  nowSeconds = NOW,
  checker = scheme,
): string {
  const payment = paying({ validAfter: String(validAfter), validBefore: String(validBefore) });
  const checked = checker.check(payment, requirements, nowSeconds);
  return "payment" in checked ? "ok" : checked.reason;
}

describe("boundaries", () => {
  test.each([
    [NOW + 5, TOO_LATE],
    [NOW + 6, "ok"],
    [NOW, TOO_LATE],
    [0, TOO_LATE],
    [NOW + 3600, "ok"],
    [NOW + 3601, TOO_LONG],
    [2n ** 256n - 1n, TOO_LONG],
  ])("validBefore %s: %s", (validBefore, expected) => {
    expect(check(0, validBefore)).toBe(expected);
  });

  test.each([
    [0, "ok"],
    [NOW - 1, "ok"],
    [NOW, TOO_EARLY],
    [NOW + 1, TOO_EARLY],
    [2n ** 256n - 1n, TOO_EARLY],
  ])("validAfter %s: %s, as strict as USDC", (validAfter, expected) => {
    expect(check(validAfter, NOW + 300)).toBe(expected);
  });

  test("a window that is empty is refused", () => {
    expect(check(NOW + 300, NOW + 200)).not.toBe("ok");
  });

  test("the longest validity can be set", () => {
    const strict = exactEvmFacilitator({ maxLifetimeSeconds: 60 });
    expect(check(0, NOW + 60, NOW, strict)).toBe("ok");
    expect(check(0, NOW + 61, NOW, strict)).toBe(TOO_LONG);
  });
});

test("whatever the times, exactly the payments inside the limits pass", () => {
  const seconds = fc.integer({ min: NOW - 10_000, max: NOW + 10_000 });
  fc.assert(
    fc.property(seconds, seconds, seconds, (validAfter, validBefore, now) => {
      const inside = validAfter < now && validBefore >= now + 6 && validBefore <= now + 3600;
      expect(check(validAfter, validBefore, now) === "ok").toBe(inside);
    }),
    { numRuns: 500 },
  );
});

describe("a payment that is only too old", () => {
  test("comes along, because it may have been settled in time", () => {
    const checked = scheme.check(paying({ validBefore: String(NOW - 1) }), requirements, NOW);
    expect(checked).toMatchObject({
      reason: TOO_LATE,
      expired: { amount: 10_000n, expiresAtSeconds: NOW - 1 },
    });
  });

  test.each([
    ["pays another amount", { value: "1" }],
    ["pays somebody else", { to: `0x${"c2".repeat(20)}` }],
  ])("does not come along when it also %s", (_, change) => {
    expect(
      scheme.check(paying({ validBefore: String(NOW - 1), ...change }), requirements, NOW),
    ).not.toHaveProperty("expired");
  });
});
