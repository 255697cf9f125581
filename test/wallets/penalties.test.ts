import { describe, expect, test } from "vitest";
import { createPenalties, type Penalties } from "../../facilitator/settlement/penalties.ts";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import { redisLedger } from "../../src/ledger/redis.ts";
import { startRedis } from "../setup/redis.ts";

const wallet = `0x${"a1".repeat(20)}` as const;
const other = `0x${"a2".repeat(20)}` as const;
const factory = `0x${"fa".repeat(20)}` as const;
const MINUTE = 60_000;

function setUp(options: Parameters<typeof createPenalties>[2] = {}) {
  let nowMs = 1_800_000_000_000;
  const ledger = memoryLedger({ now: () => nowMs });
  return {
    penalties: createPenalties(ledger, "eip155:84532", options),
    /** Another process with the same ledger. */
    replica: createPenalties(ledger, "eip155:84532", options),
    otherChain: createPenalties(ledger, "eip155:8453", options),
    pass: (ms: number) => (nowMs += ms),
  };
}

describe("refusal", () => {
  test("is for a minute, then for four, sixteen, and at most a day; on all replicas", async () => {
    const { penalties, replica, otherChain, pass } = setUp();
    expect(await penalties.refusal({ wallet })).toBeUndefined();
    for (const [at, minutes] of [1, 4, 16, 64, 256].entries()) {
      await penalties.punish(`payment-${at}`, { wallet }, 1n);
      expect(await replica.refusal({ wallet })).toBe("wallet_refused");
      expect(await otherChain.refusal({ wallet })).toBeUndefined();
      expect(await penalties.refusal({ wallet: other })).toBeUndefined();
      pass(minutes * MINUTE - 1);
      expect(await replica.refusal({ wallet })).toBe("wallet_refused");
      pass(1);
      expect(await replica.refusal({ wallet })).toBeUndefined();
    }
    for (let at = 5; at < 12; at++) await penalties.punish(`payment-${at}`, { wallet }, 1n);
    pass(24 * 60 * MINUTE - 1);
    expect(await penalties.refusal({ wallet })).toBe("wallet_refused");
    pass(1);
    expect(await penalties.refusal({ wallet })).toBeUndefined();
    // A day after the last failure it is all forgotten.
    await penalties.punish("later", { wallet }, 1n);
    pass(MINUTE);
    expect(await penalties.refusal({ wallet })).toBeUndefined();
  });

  test("counts a payment once, however often it is told of", async () => {
    const { penalties, replica, pass } = setUp();
    for (const each of [penalties, replica, penalties])
      await each.punish("payment", { wallet }, 1n);
    pass(MINUTE);
    expect(await penalties.refusal({ wallet })).toBeUndefined();
  });
});

describe("gas", () => {
  test("is set aside before it is risked, and given back when nothing was burnt", async () => {
    const { penalties, replica } = setUp({ walletGasBudget: 600n });
    expect(await penalties.reserve("a", { wallet }, 300n)).toBeUndefined();
    expect(await replica.reserve("b", { wallet }, 300n)).toBeUndefined();
    expect(await replica.reserve("b", { wallet }, 300n)).toBeUndefined(); // the same once more
    expect(await penalties.reserve("c", { wallet }, 1n)).toBe("wallet_gas_budget_exceeded");
    expect(await penalties.reserve("c", { wallet: other }, 600n)).toBeUndefined();
    await replica.acquit("a", { wallet });
    expect(await penalties.reserve("c", { wallet }, 300n)).toBeUndefined();
  });

  test("that was burnt stays so when the same payment is settled in the end", async () => {
    const { penalties } = setUp({ walletGasBudget: 600n });
    await penalties.punish("a", { wallet }, 200n);
    await penalties.reserve("a", { wallet }, 300n);
    await penalties.acquit("a", { wallet });
    expect(await penalties.reserve("b", { wallet }, 401n)).toBe("wallet_gas_budget_exceeded");
    expect(await penalties.reserve("b", { wallet }, 400n)).toBeUndefined();
  });

  test("that was burnt is missing for a day", async () => {
    const { penalties, pass } = setUp({ walletGasBudget: 600n, refusalMs: 1 });
    await penalties.reserve("a", { wallet }, 300n);
    await penalties.punish("a", { wallet }, 200n);
    expect(await penalties.reserve("b", { wallet }, 401n)).toBe("wallet_gas_budget_exceeded");
    expect(await penalties.reserve("b", { wallet }, 400n)).toBeUndefined();
    await penalties.acquit("b", { wallet });
    pass(24 * 60 * MINUTE);
    expect(await penalties.reserve("b", { wallet }, 600n)).toBeUndefined();
  });

  test("of all wallets of a factory has a budget too, and nobody else is refused for it", async () => {
    const { penalties } = setUp({ sharedGasBudget: 500n });
    await penalties.punish("a", { wallet, shared: factory }, 500n);
    expect(await penalties.refusal({ wallet: other, shared: factory })).toBeUndefined();
    await penalties.punish("b", { wallet, shared: factory }, 1n);
    expect(await penalties.refusal({ wallet: other, shared: factory })).toBe(
      "wallet_gas_budget_exceeded",
    );
    expect(await penalties.refusal({ wallet: other })).toBeUndefined();
  });
});

test("in Redis, replicas share all of it", async () => {
  const redis = await startRedis();
  const ledgers = [redisLedger(connectRedis(redis.url)), redisLedger(connectRedis(redis.url))];
  const [one, two] = ledgers.map((ledger) =>
    createPenalties(ledger, "eip155:84532", {
      refusalMs: 400,
      walletGasBudget: 600n,
      sharedGasBudget: 300n,
    }),
  ) as [Penalties, Penalties];
  expect(await one.reserve("a", { wallet }, 400n)).toBeUndefined();
  expect(await two.reserve("b", { wallet }, 400n)).toBe("wallet_gas_budget_exceeded");
  await two.acquit("a", { wallet });
  expect(await two.reserve("b", { wallet }, 400n)).toBeUndefined();
  expect(await one.refusal({ wallet, shared: factory })).toBeUndefined();
  await two.punish("b", { wallet, shared: factory }, 301n);
  expect(await one.refusal({ wallet })).toBe("wallet_refused");
  expect(await one.refusal({ wallet: other, shared: factory })).toBe("wallet_gas_budget_exceeded");
  await new Promise((resolve) => setTimeout(resolve, 450));
  expect(await one.refusal({ wallet })).toBeUndefined();
  expect(await one.reserve("c", { wallet }, 300n)).toBe("wallet_gas_budget_exceeded");
  await one.punish("c", { wallet }, 1n);
  await new Promise((resolve) => setTimeout(resolve, 450));
  expect(await two.refusal({ wallet })).toBe("wallet_refused");
  await Promise.all(ledgers.map((ledger) => ledger.close()));
  await redis.stop();
});

test.each([
  { walletGasBudget: -1n },
  { sharedGasBudget: -1n },
  { refusalMs: 0 },
  { refusalMs: 1.5 },
])("%o is a TypeError", (options) => {
  expect(() => setUp(options)).toThrow(TypeError);
});
