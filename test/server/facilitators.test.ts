import { describe, expect, test } from "vitest";
import { X402Error } from "../../src/core/errors.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { createPaywall, type PaywallEvent, type PaywallOptions } from "../../src/server/index.ts";
import { lapsingClaims } from "./claim-faults.ts";
import {
  fakeFacilitator,
  failedWith,
  NETWORK,
  openShop,
  PAY_TO,
  paymentFor,
  presenting,
  settled,
} from "./world.ts";

const failing = (retry: "safe" | "unsafe") => () =>
  Promise.reject(new X402Error("facilitator_unavailable", "down", { retry }));
const UNKNOWN: readonly [string, () => Promise<never>][] = [
  ["unsafe", failing("unsafe")],
  ["an error that says nothing", () => Promise.reject(new Error("broken"))],
];

/** A shop with three facilitators. */
async function threeOf(options: Partial<PaywallOptions> = {}) {
  const list = [fakeFacilitator(), fakeFacilitator(), fakeFacilitator()] as const;
  const shop = await openShop({ facilitator: list, ...options });
  const counts = (name: "verifies" | "settles") => list.map((each) => each[name].length);
  return { shop, list, counts, payment: paymentFor(shop.offer) };
}

describe("verify", () => {
  test("asks the first, and no other while it answers", async () => {
    const { shop, counts } = await threeOf();
    await shop.visit();
    expect(counts("verifies")).toEqual([1, 0, 0]);
    expect(counts("settles")).toEqual([1, 0, 0]);
  });

  test.each([["safe", failing("safe")] as const, ...UNKNOWN])(
    "goes on to the next after a failure (%s)",
    async (_, fail) => {
      const { shop, list, counts } = await threeOf();
      list[0].onVerify = fail;
      expect((await shop.visit()).status).toBe(200);
      expect(counts("verifies")).toEqual([1, 1, 0]);
      expect(counts("settles")).toEqual([0, 1, 0]);
    },
  );

  test("believes the first that refuses, and asks no other until one agrees", async () => {
    const { shop, list, counts } = await threeOf();
    list[0].onVerify = () => ({ isValid: false, invalidReason: "invalid_exact_evm_signature" });
    expect((await shop.visit()).status).toBe(402);
    expect(counts("verifies")).toEqual([1, 0, 0]);
  });

  test("goes on where the first does not settle such payments", async () => {
    const { shop, list, counts } = await threeOf();
    list[0].onVerify = () => ({ isValid: false, invalidReason: "invalid_network" });
    list[0].onSettle = () => failedWith("invalid_network");
    expect((await shop.visit()).status).toBe(200);
    expect(counts("settles")).toEqual([1, 1, 0]);
    for (const each of list) each.onVerify = list[0].onVerify;
    expect((await shop.visit()).status).toBe(402);
    list[2].onVerify = failing("safe");
    expect((await shop.visit()).status, "the one that does may be away").toBe(503);
  });

  test("is 503 when all fail, and nothing is claimed", async () => {
    const claims = lapsingClaims();
    const { shop, list } = await threeOf({ claims });
    for (const each of list) each.onVerify = failing("safe");
    expect((await shop.visit()).status).toBe(503);
    expect(claims.claims.size).toBe(0);
  });
});

describe("settle", () => {
  test("goes on to the next only where the one before provably did nothing", async () => {
    const { shop, list, counts } = await threeOf();
    list[0].onSettle = failing("safe");
    list[1].onSettle = failing("safe");
    expect((await shop.visit()).status).toBe(200);
    expect(counts("settles")).toEqual([1, 1, 1]);
    const keys = list.map((each) => each.settles[0]?.options?.idempotencyKey);
    expect(new Set(keys).size).toBe(1);
  });

  test.each([
    ...UNKNOWN,
    ["pending", () => failedWith("settlement_pending")] as const,
    [
      "a lie",
      (call: Parameters<typeof settled>[0]) => ({ ...settled(call), amount: "1" }),
    ] as const,
  ])("asks nobody else after %s: not now, not later, not after a restart", async (_, fail) => {
    const claims = lapsingClaims();
    const { shop, list, counts, payment } = await threeOf({ claims });
    list[1].onSettle = fail;
    list[0].onSettle = failing("safe");
    for (let i = 0; i < 2; i++) expect((await shop.visit(presenting(payment))).status).toBe(503);
    const restarted = await openShop({ facilitator: list, claims });
    expect((await restarted.visit(presenting(payment))).status).toBe(503);
    list[1].onSettle = settled;
    expect((await restarted.visit(presenting(payment))).status).toBe(200);
    expect(counts("settles")).toEqual([1, 4, 0]);
    expect(shop.handlerRuns + restarted.handlerRuns).toBe(1);
  });

  test("where none of them did anything, whoever is well next time is asked", async () => {
    const { shop, list, counts, payment } = await threeOf();
    for (const each of list) each.onSettle = failing("safe");
    expect((await shop.visit(presenting(payment))).status).toBe(503);
    list[0].onSettle = settled;
    expect((await shop.visit(presenting(payment))).status).toBe(200);
    expect(counts("settles").slice(1)).not.toContain(0);
    expect(shop.handlerRuns).toBe(1);
  });

  test("is not begun before it is written down who is asked", async () => {
    const claims = lapsingClaims();
    const { write } = claims;
    const { shop, counts, payment } = await threeOf({ claims });
    claims.write = (key, token, change, how) => {
      if ("via" in change) throw new X402Error("ledger_unavailable", "down");
      return write(key, token, change, how);
    };
    expect((await shop.visit(presenting(payment))).status).toBe(503);
    expect(counts("settles")).toEqual([0, 0, 0]);
    claims.write = write;
    expect((await shop.visit(presenting(payment))).status).toBe(200);
  });
});

describe("health", () => {
  test("one that failed is passed over for a while, longer each time, and asked when nobody else is left", async () => {
    let nowMs = 0;
    const events: PaywallEvent[] = [];
    const onEvent = (event: PaywallEvent) => void events.push(event);
    const { shop, list, counts } = await threeOf({ now: () => nowMs, onEvent });
    list[0].onVerify = failing("safe");
    const visitAt = async (atMs: number) => {
      nowMs = atMs;
      expect((await shop.visit()).status).toBe(200);
      return counts("verifies")[0];
    };
    expect(await visitAt(0)).toBe(1);
    expect(await visitAt(999)).toBe(1);
    expect(await visitAt(1000)).toBe(2);
    expect(await visitAt(2999)).toBe(2);
    expect(await visitAt(3000)).toBe(3);
    expect(events.filter(({ type }) => type === "dependency_failed")).toHaveLength(3);
    expect(events).toContainEqual(expect.objectContaining({ name: "#0" }));
    list[0].onVerify = () => ({ isValid: true });
    list[1].onVerify = failing("safe");
    list[2].onVerify = failing("safe");
    expect(await visitAt(3001)).toBe(4);
    expect(await visitAt(3002), "well again: the first").toBe(5);
  });

  test("no 402 needs any of them, nor what they support", async () => {
    let asked = 0;
    const facilitator = {
      verify: () => ((asked += 1), Promise.reject(new Error("down"))),
      settle: () => ((asked += 1), Promise.reject(new Error("down"))),
      supported: () => ((asked += 1), Promise.reject(new Error("down"))),
    };
    await openShop({ facilitator: [facilitator, facilitator] });
    expect(asked).toBe(0);
  });

  test("what one supports is asked for once, never waited for, and may not be there at all", async () => {
    const list = [fakeFacilitator(), fakeFacilitator()];
    let asked = 0;
    const kinds = [{ x402Version: 2, scheme: "exact", network: "eip155:1" }];
    Object.assign(list[0]!, {
      supported: () => ((asked += 1), Promise.resolve({ kinds, extensions: [], signers: {} })),
    });
    Object.assign(list[1]!, { supported: undefined });
    const shop = await openShop({ facilitator: list });
    expect((await shop.visit()).status).toBe(200);
    expect(list[0]!.verifies).toHaveLength(1);
    for (let i = 0; i < 2; i++) expect((await shop.visit()).status).toBe(200);
    expect(list[0]!.verifies, "it settles on another network only").toHaveLength(1);
    expect(list[1]!.settles.length).toBeGreaterThanOrEqual(2);
    expect(asked).toBe(1);
  });
});

test("a main network through a facilitator for test networks is a TypeError", () => {
  const open = (facilitator: PaywallOptions["facilitator"], network: string) => () =>
    createPaywall({ facilitator, schemes: [exactEvm()], network, payTo: PAY_TO }).route("$0.01");
  for (const url of ["https://x402.org/facilitator", "https://www.x402.org/facilitator/"]) {
    expect(open(url, "eip155:8453")).toThrow(/test networks/);
    expect(open([fakeFacilitator(), url], "eip155:8453")).toThrow(/test networks/);
    expect(open(url, NETWORK)).not.toThrow();
  }
  expect(open("https://facilitator.example", "eip155:8453")).not.toThrow();
  expect(open([], NETWORK)).toThrow(/facilitator/);
});
