/** For how long a payment is remembered: as long as it may have been charged and its answer not had. */
import { expect, test } from "vitest";
import { memoryClaims } from "../../src/ledger/index.ts";
import type { SettleMode } from "../../src/server/index.ts";
import { openShop, paymentFor, presenting, settled, type Shop } from "./world.ts";

const MINUTE = 60_000;

/** A shop with a clock of its own. */
async function slowShop(settle: SettleMode) {
  const clock = { nowMs: Date.now() };
  const claims = memoryClaims({ now: () => clock.nowMs });
  const kept: (number | undefined)[] = [];
  const shop = await openShop({
    settle,
    claims: {
      ...claims,
      claim(key, claim, ttlMs) {
        kept.push(ttlMs);
        return claims.claim(key, claim, ttlMs);
      },
      write(key, token, change, options) {
        if (options?.ttlMs !== undefined) kept.push(options.ttlMs);
        return claims.write(key, token, change, options);
      },
    },
  });
  return { shop, clock, kept, payment: paymentFor(shop.offer) };
}

const visit = async (shop: Shop, payment: ReturnType<typeof paymentFor>) => {
  const response = await shop.visit(presenting(payment));
  return [response.status, await response.text()];
};

test.each(["after", "before"] as const)(
  "settled %s: from before the facilitator is asked longer than an authorization lives, and then as any other",
  async (settle) => {
    const { shop, kept, payment } = await slowShop(settle);
    const whileSettling: (number | undefined)[] = [];
    shop.facilitator.onSettle = (call) => {
      whileSettling.push(kept.at(-1));
      return settled(call);
    };
    expect(await visit(shop, payment)).toEqual([200, "the report"]);
    expect(whileSettling).toEqual([120 * MINUTE]);
    expect(kept.at(-1)).toBe(6 * MINUTE);
  },
);

test.each(["after", "before"] as const)(
  "settled %s: the response of a handler that took half an hour is kept from its end on",
  async (settle) => {
    const { shop, clock, payment } = await slowShop(settle);
    shop.handler = () => {
      clock.nowMs += 30 * MINUTE;
      return new Response("worth the wait");
    };
    expect(await visit(shop, payment)).toEqual([200, "worth the wait"]);
    clock.nowMs += 5 * MINUTE;
    expect(await visit(shop, payment)).toEqual([200, "worth the wait"]);
    expect([shop.handlerRuns, shop.facilitator.settles.length]).toEqual([1, 1]);
  },
);

test("settled before: a handler that failed after half an hour runs again without a second charge", async () => {
  const { shop, clock, payment } = await slowShop("before");
  shop.handler = () => {
    clock.nowMs += 30 * MINUTE;
    return new Response("no", { status: 500 });
  };
  expect(await visit(shop, payment)).toEqual([500, "no"]);
  clock.nowMs += 5 * MINUTE;
  shop.handler = () => new Response("the report");
  expect(await visit(shop, payment)).toEqual([200, "the report"]);
  expect(shop.facilitator.settles).toHaveLength(1);
});
