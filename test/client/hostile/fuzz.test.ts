/** What a server or a caller writes is read, or is the error that says so; never another one, and never half. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { spendPolicy, X402Error, type SpendPolicyOptions } from "../../../src/client/index.ts";
import { DECIMALS, parseMoney } from "../../../src/client/money.ts";
import { readDemand } from "../../../src/client/payment-required.ts";
import { quote } from "../../../src/client/text.ts";
import { formatAmount, isAtomicAmount } from "../../../src/core/amount.ts";
import { OFFER } from "../shop.ts";
import { base64 } from "./server.ts";

/** Offers in which anything may be anything. */
const odd = fc.oneof(fc.jsonValue(), fc.constantFrom("", "0", "-1", "1e9", 2 ** 53, -0, null));
const offer = fc
  .dictionary(fc.constantFrom(...Object.keys(OFFER), "maxAmountRequired", "resource"), odd, {
    maxKeys: 2,
  })
  .map((change) => ({ ...OFFER, ...change }));
const mostly = (value: unknown) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: odd });
const message = fc.oneof(
  { weight: 1, arbitrary: fc.jsonValue() },
  {
    weight: 3,
    arbitrary: fc.record({
      x402Version: mostly(2),
      accepts: fc.oneof(
        { weight: 5, arbitrary: fc.array(fc.oneof(fc.constant(OFFER), offer), { maxLength: 4 }) },
        { weight: 1, arbitrary: odd },
      ),
      error: mostly("pay"),
      resource: mostly({ url: "https://a.example" }),
      extensions: mostly({}),
    }),
  },
);
const text = fc.oneof(
  message.map((value) => JSON.stringify(value)),
  fc.string({ unit: "binary" }),
);

test("a 402 is read, or is malformed", async () => {
  let read = 0;
  const check = async (response: Response) => {
    const demand = await readDemand(response).catch((error: unknown) => {
      expect(error).toBeInstanceOf(X402Error);
      expect((error as Error).message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    });
    for (const { amount, maxTimeoutSeconds } of demand?.offers ?? []) {
      read += 1;
      expect(isAtomicAmount(amount)).toBe(true);
      expect(Number.isSafeInteger(maxTimeoutSeconds) && maxTimeoutSeconds > 0).toBe(true);
    }
  };
  await fc.assert(
    fc.asyncProperty(text, async (body) => {
      await check(new Response(body, { status: 402 }));
      await check(new Response("", { status: 402, headers: { "PAYMENT-REQUIRED": base64(body) } }));
    }),
    { numRuns: 1500 },
  );
  expect(read).toBeGreaterThan(10);
});

test("money is read exactly, or is a TypeError", () => {
  const digits = fc.string({
    unit: fc.constantFrom(...Array.from("0123456789.$ -+eExX,_US\u00a0\u0660\n")),
    maxLength: 12,
  });
  fc.assert(
    fc.property(fc.oneof(digits, fc.string({ unit: "binary" })), (written) => {
      let amounts;
      try {
        amounts = parseMoney(written, "limit");
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
        return;
      }
      const [[unit, amount] = ["", -1n]] = [...amounts];
      expect(unit).not.toBe("");
      const [number = ""] = written.replace("$", "").split(" ");
      expect(Number(number)).toBe(Number(formatAmount(amount, DECIMALS)));
    }),
    { numRuns: 5000 },
  );
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 30n), fc.integer({ min: 0, max: 36 }), (atomic, decimals) => {
      const written = formatAmount(atomic, decimals);
      if (written.split(".")[0]!.length > 31) return;
      const expected = atomic * 10n ** BigInt(DECIMALS - decimals);
      expect(parseMoney(`$${written}`, "x")).toEqual(new Map([["USD", expected]]));
      expect(parseMoney([`${written} EURC`], "x")).toEqual(new Map([["EURC", expected]]));
    }),
  );
});

test("a policy works, or is a TypeError at once", () => {
  const name = fc.oneof(
    fc.constantFrom("*.a.example", "A.example.", "[::1]", "0x7f.1", "*", "", "eip155:*", "USDC"),
    fc.string({ unit: "binary", maxLength: 12 }),
    fc.domain(),
    fc.ipV6().map((address) => `[${address}]`),
  );
  const lists = fc.record(
    {
      hosts: fc.array(name),
      networks: fc.array(name),
      assets: fc.array(name),
      payees: fc.array(name),
    },
    { requiredKeys: [] },
  );
  const budget = fc.record(
    {
      limit: fc.oneof(fc.constantFrom("$1", "2 EURC", "0", "$0.0000001"), fc.string()),
      windowSeconds: fc.oneof(fc.integer(), fc.double()),
      by: fc.constantFrom("host", "payee"),
      host: name,
      payee: name,
    },
    { requiredKeys: ["limit"] },
  );
  const options = fc.record(
    {
      allow: lists,
      deny: lists,
      budgets: fc.array(budget, { maxLength: 3 }),
      pinPayees: fc.boolean(),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<SpendPolicyOptions>;
  const proposal = {
    url: "http://a.example/",
    method: "GET",
    host: "a.example",
    requirements: OFFER,
    symbol: "USDC",
    amount: "0.01",
    unit: "USD",
    value: 10_000,
    lifetimeSeconds: 60,
  };
  let made = 0;
  fc.assert(
    fc.property(options, (given) => {
      let policy;
      try {
        policy = spendPolicy(given);
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
        return;
      }
      made += 1;
      const refusal = policy.listed(proposal);
      expect(refusal === undefined || refusal.message.length > 0).toBe(true);
      for (const { max, windowSeconds, unit } of policy.limits(proposal)) {
        expect(max).toBeGreaterThanOrEqual(0);
        expect(unit).toBe("USD");
        expect(windowSeconds === undefined || Number.isSafeInteger(windowSeconds)).toBe(true);
      }
      if (given.deny?.hosts?.includes("A.example.")) expect(refusal?.rule).toBe("host");
    }),
    { numRuns: 2000 },
  );
  expect(made).toBeGreaterThan(100);
});

test("text of a server is short, on one line, and nothing that a terminal obeys", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (hostile) => {
      const shown = quote(hostile);
      expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      expect(shown.slice(1, -1).replaceAll(/\\./g, "")).not.toContain('"');
      expect(shown.length).toBeLessThan(1000);
    }),
    { numRuns: 2000 },
  );
});
