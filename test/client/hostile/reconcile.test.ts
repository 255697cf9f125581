/** What the chain proves is released, and nothing that may still be taken: payments with one nonce among each other. */
import { describe, expect, test } from "vitest";
import { memorySpendStore, reconcileSpending } from "../../../src/client/index.ts";
import type { ClientScheme } from "../../../src/core/scheme.ts";
import { demand, isPaid, OFFER, openShop, sellAt, type Reply } from "../shop.ts";
import { exposure, nonces, openBuyer, outcomeOf } from "./meter.ts";

const SECOND = 1000;

/** A chain on which nothing was taken: a payment is void when its time is over. */
const chainAt = (nowMs: () => number): ClientScheme => ({
  scheme: "exact",
  family: "eip155",
  asset: () => undefined,
  supports: () => false,
  createPayload: () => Promise.reject(new Error("not here")),
  fate(payload) {
    const { validBefore } = payload["authorization"] as { validBefore: string };
    return Promise.resolve(Number(validBefore) * SECOND < nowMs() ? "void" : "open");
  },
});

async function open(reply: (price: string) => Reply) {
  const world = { nowMs: 1_800_000_000_000, price: "10000", reply };
  const shop = await openShop((request) =>
    isPaid(request) ? world.reply(world.price) : sellAt({ amount: world.price })(request),
  );
  const store = memorySpendStore();
  const now = () => world.nowMs;
  const buyer = openBuyer({ store, now, maxAmount: "$1" });
  return {
    ...buyer,
    later(seconds: number) {
      world.nowMs += seconds * SECOND;
    },
    answer(next: (price: string) => Reply, price = world.price) {
      Object.assign(world, { reply: next, price });
    },
    buy: async () => await outcomeOf(buyer.pay(shop.url)),
    spent: async () => BigInt(await store.spent("total", "USD", world.nowMs)),
    reconcile: async () => await reconcileSpending(store, [chainAt(now)], world.nowMs),
  };
}

const refuse = (amount: string): Reply => demand({ accepts: [{ ...OFFER, amount }], error: "no" });
const busy = (): Reply => ({ status: 503 });

describe("payments with one nonce", () => {
  test.each([["10000"], ["30000"], ["5000"]])(
    "count as long as one of them may be taken, the second at %s",
    async (price) => {
      const agent = await open(refuse);
      await agent.buy();
      agent.later(200);
      agent.answer(refuse, price);
      await agent.buy();
      expect(nonces(agent.signed)).toBe(1);
      const most = exposure(agent.signed);
      expect(await agent.spent()).toBe(most);
      for (const seconds of [161, 30]) {
        agent.later(seconds);
        // The first one's time is over, the second one's is not.
        await agent.reconcile();
        expect(await agent.spent()).toBeGreaterThanOrEqual(BigInt(price));
      }
      agent.later(400);
      await agent.reconcile();
      expect(await agent.spent()).toBe(0n);
    },
  );

  test("count once, also the third, and are all given back", async () => {
    const agent = await open(busy);
    for (const price of ["10000", "20000", "15000"]) {
      agent.answer(busy, price);
      await agent.buy();
      agent.later(400);
      agent.answer(refuse, price);
    }
    await agent.buy();
    expect(nonces(agent.signed)).toBe(1);
    expect(agent.signed.length).toBeGreaterThanOrEqual(2);
    expect(await agent.spent()).toBe(exposure(agent.signed));
    agent.later(1000);
    await agent.reconcile();
    expect(await agent.spent()).toBe(0n);
  });
});
