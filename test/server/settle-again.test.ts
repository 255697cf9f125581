/** Claims that change hands: leases that are lost, and settlements that are asked for again. */
import { describe, expect, test } from "vitest";
import { X402Error } from "../../src/core/errors.ts";
import { lapsingClaims } from "./claim-faults.ts";
import { fakeFacilitator, failedWith, openShop, paymentFor, presenting, settled } from "./world.ts";

const unreachable = () => new X402Error("facilitator_unavailable", "down", { retry: "unsafe" });

/** Two servers with the same claims and the same facilitator. */
async function twoShops(settle: "after" | "before") {
  const claims = lapsingClaims();
  const facilitator = fakeFacilitator();
  const one = await openShop({ settle, claims, facilitator }, { facilitator });
  const two = await openShop({ settle, claims, facilitator }, { facilitator });
  return { one, two, claims, facilitator, payment: paymentFor(one.offer) };
}

describe("a server that lost its lease", () => {
  test("while its handler ran, before anything is settled: one delivery, one charge", async () => {
    const { one, two, claims, facilitator, payment } = await twoShops("after");
    let second: Response | undefined;
    one.handler = async () => {
      claims.lapse();
      second = await two.visit(presenting(payment));
      return new Response("first try");
    };
    const first = await one.visit(presenting(payment));
    expect(second?.status).toBe(200);
    expect(first.status).toBe(409);
    expect(await first.text()).not.toContain("first try");
    expect(facilitator.settles).toHaveLength(1);
    expect(await (await one.visit(presenting(payment))).text()).toBe("the report");
  });

  test("but nobody took it, delivers", async () => {
    const { one, claims, payment } = await twoShops("after");
    one.handler = () => (claims.lapse(), new Response("the report"));
    expect((await one.visit(presenting(payment))).status).toBe(200);
  });

  test.each(["after", "before"] as const)(
    "while it settled %s the handler: no handler of its own, one idempotency key",
    async (settle) => {
      const { one, two, claims, facilitator, payment } = await twoShops(settle);
      let second: Response | undefined;
      facilitator.onSettle = async (call) => {
        facilitator.onSettle = settled;
        claims.lapse();
        second = await two.visit(presenting(payment));
        return settled(call);
      };
      const first = await one.visit(presenting(payment));
      expect(await second?.text()).toBe("the report");
      // Settled after: the first server has the response that was served, and it is paid for.
      expect(first.status).toBe(settle === "after" ? 200 : 409);
      expect(one.handlerRuns + two.handlerRuns).toBe(1);
      const keys = facilitator.settles.map(({ options }) => options?.idempotencyKey);
      expect(new Set(keys).size).toBe(1);
      expect(await (await one.visit(presenting(payment))).text()).toBe("the report");
    },
  );

  test("renewals keep a claim for a handler that is slower than the lease", async () => {
    const claims = lapsingClaims(30);
    const shop = await openShop({ claims });
    const payment = paymentFor(shop.offer);
    shop.handler = async () => {
      claims.lapse();
      await new Promise((done) => setTimeout(done, 30));
      expect((await shop.visit(presenting(payment))).status).toBe(409);
      return new Response("the report");
    };
    expect((await shop.visit(presenting(payment))).status).toBe(200);
    expect(shop.handlerRuns).toBe(1);
  });

  test("renewals that throw at once, or fail, break nothing, and end with the hold", async () => {
    for (const fail of [
      () => Promise.reject(unreachable()),
      (): never => {
        throw unreachable();
      },
    ]) {
      let renewals = 0;
      const events: string[] = [];
      const claims = { ...lapsingClaims(9), renew: () => ((renewals += 1), fail()) };
      const shop = await openShop({ claims, onEvent: ({ type }) => void events.push(type) });
      shop.handler = async () => (
        await new Promise((done) => setTimeout(done, 20)),
        new Response("the report")
      );
      expect((await shop.visit()).status).toBe(200);
      const after = renewals;
      expect(after).toBeGreaterThan(0);
      expect(events).toContain("dependency_failed");
      await new Promise((done) => setTimeout(done, 20));
      expect(renewals).toBe(after);
    }
  });
});

describe("a request that looked at a claim before another one finished it", () => {
  test("gets the stored response, and the handler does not run again", async () => {
    const { one, two, claims, facilitator, payment } = await twoShops("after");
    facilitator.onSettle = () => failedWith("settlement_pending");
    expect((await one.visit(presenting(payment))).status).toBe(503);
    facilitator.onSettle = settled;
    const { resume } = claims;
    let first: Response | undefined;
    claims.resume = async (key) => {
      claims.resume = resume;
      first = await two.visit(presenting(payment));
      return resume(key);
    };
    const second = await one.visit(presenting(payment));
    expect([first?.status, second.status]).toEqual([200, 200]);
    expect(await second.text()).toBe("the report");
    expect(one.handlerRuns + two.handlerRuns).toBe(1);
    expect([...claims.claims.values()]).toMatchObject([{ held: false }]);
  });

  test("does not go on with what was made anew for another request", async () => {
    const { one, two, claims, facilitator, payment } = await twoShops("after");
    facilitator.onSettle = () => failedWith("settlement_pending");
    await one.visit(presenting(payment));
    const { resume } = claims;
    claims.resume = async (key) => {
      claims.resume = resume;
      facilitator.onSettle = () => failedWith("invalid_exact_evm_transaction_failed");
      await two.visit(presenting(payment));
      facilitator.onSettle = () => failedWith("settlement_pending");
      await two.visit(presenting(payment, "https://shop.example/other"));
      facilitator.onSettle = settled;
      return resume(key);
    };
    const response = await one.visit(presenting(payment));
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ code: "payment_bound_elsewhere" });
  });
});

/** Facilitators of other makers may have no memory: asked again they check the payment as if it were new. */
describe.each(["after", "before"] as const)(
  "asked again (%s), what only a new check says",
  (settle) => {
    test.each([
      "duplicate_settlement",
      "invalid_exact_evm_nonce_already_used",
      "invalid_exact_evm_payload_authorization_valid_before",
      "invalid_exact_evm_insufficient_balance",
      "insufficient_funds",
      "invalid_exact_evm_transaction_simulation_failed",
    ])("%s is no proof that the first time moved no money", async (reason) => {
      const shop = await openShop({ settle });
      const payment = paymentFor(shop.offer);
      shop.facilitator.onSettle = () => Promise.reject(unreachable());
      expect((await shop.visit(presenting(payment))).status).toBe(503);
      shop.facilitator.onSettle = () => failedWith(reason);
      for (let i = 0; i < 2; i++) {
        const response = await shop.visit(presenting(payment));
        expect(response.status).toBe(503);
        expect(response.headers.get("PAYMENT-REQUIRED")).toBeNull();
        expect(await response.json()).toMatchObject({ code: "settlement_pending" });
      }
      shop.facilitator.onSettle = settled;
      expect(await (await shop.visit(presenting(payment))).text()).toBe("the report");
      expect(shop.handlerRuns).toBe(1);
    });
  },
);

test.each(["toString", "constructor", "__proto__", "hasOwnProperty"])(
  "a reason that only looks known (%s) proves nothing",
  async (reason) => {
    const shop = await openShop();
    shop.facilitator.onSettle = () => failedWith(reason);
    expect((await shop.visit()).status).toBe(503);
  },
);
