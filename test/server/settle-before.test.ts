import { describe, expect, test } from "vitest";
import type { PaymentRequirements } from "../../src/core/messages.ts";
import type { SettleMode } from "../../src/server/index.ts";
import {
  demandOf,
  failedWith,
  openShop,
  paidRequest,
  paymentFor,
  presenting,
  presentingV1,
  receiptOf,
  settled,
  URL_PAID,
  type Shop,
} from "./world.ts";

const TRANSACTION = `0x${"7a".repeat(32)}`;
const before = () => openShop({ settle: "before" });

/** What was done, in order. */
function watch(shop: Shop): string[] {
  const order: string[] = [];
  const { onVerify, onSettle } = shop.facilitator;
  shop.facilitator.onVerify = (call) => (order.push("verify"), onVerify(call));
  shop.facilitator.onSettle = (call) => (order.push("settle"), onSettle(call));
  const { handler } = shop;
  shop.handler = (payment) => (order.push("handler"), handler(payment));
  return order;
}

describe("settled before the handler", () => {
  test("verified, settled and handled once each, in that order, with the receipt", async () => {
    const shop = await before();
    const order = watch(shop);
    const response = await shop.visit();
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("the report");
    expect(receiptOf(response)).toMatchObject({ success: true, transaction: TRANSACTION });
    expect(response.headers.get("Cache-Control")).toBe("private, no-store");
    expect(order).toEqual(["verify", "settle", "handler"]);
  });

  test("the handler knows the transaction, and cannot charge anything else", async () => {
    const shop = await before();
    let error: unknown;
    shop.handler = (payment) => {
      try {
        payment?.charge(1n);
      } catch (thrown) {
        error = thrown;
      }
      return Response.json({ transaction: payment?.transaction, amount: payment?.amount });
    };
    expect(await (await shop.visit()).json()).toEqual({
      transaction: TRANSACTION,
      amount: "10000",
    });
    expect(error).toBeInstanceOf(TypeError);
  });

  test("a settlement that failed runs no handler, is 402, and gives the payment free", async () => {
    const shop = await before();
    const payment = paymentFor(shop.offer);
    shop.facilitator.onSettle = () => failedWith("invalid_exact_evm_insufficient_balance");
    const response = await shop.visit(presenting(payment));
    expect(response.status).toBe(402);
    expect(demandOf(response).accepts).toEqual([shop.offer]);
    expect(receiptOf(response).success).toBe(false);
    expect(shop.handlerRuns).toBe(0);
    shop.facilitator.onSettle = settled;
    expect((await shop.visit(presenting(payment))).status).toBe(200);
  });

  test("a settlement that is unknown runs no handler until it is known, and is then not verified again", async () => {
    const shop = await before();
    const payment = paymentFor(shop.offer);
    shop.facilitator.onSettle = () => failedWith("settlement_pending");
    for (let i = 0; i < 2; i++) expect((await shop.visit(presenting(payment))).status).toBe(503);
    expect(shop.handlerRuns).toBe(0);
    shop.facilitator.onSettle = settled;
    expect((await shop.visit(presenting(payment))).status).toBe(200);
    expect(shop.facilitator.verifies).toHaveLength(1);
    const [first, ...others] = shop.facilitator.settles;
    expect(others).toEqual([first, first]);
  });

  test("at once: one settlement and one handler, the others are 409", async () => {
    const shop = await before();
    const payment = paymentFor(shop.offer);
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => shop.visit(presenting(payment))),
    );
    const statuses = responses.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([200, ...Array.from({ length: 19 }, () => 409)]);
    expect(shop.handlerRuns).toBe(1);
    expect(shop.facilitator.settles).toHaveLength(1);
  });
});

describe("a handler that fails after the settlement", () => {
  test.each<[string, () => Response | Promise<Response>, number, boolean]>([
    ["answers 500", () => new Response("no", { status: 500 }), 500, true],
    ["answers 404", () => new Response("no", { status: 404 }), 404, true],
    ["throws", () => Promise.reject(new Error("database down")), 500, false],
  ])("%s: the same payment runs it again, charged once", async (_, handler, status, tells) => {
    const shop = await before();
    const payment = paymentFor(shop.offer);
    shop.handler = handler;
    for (let i = 0; i < 4; i++) {
      const response = await shop.visit(presenting(payment));
      expect(response.status).toBe(status);
      expect(response.headers.has("PAYMENT-RESPONSE"), "that it was charged is told").toBe(tells);
    }
    shop.handler = () => new Response("the report");
    for (let i = 0; i < 2; i++)
      expect(await (await shop.visit(presenting(payment))).text()).toBe("the report");
    expect(shop.handlerRuns).toBe(5);
    expect(shop.facilitator.settles).toHaveLength(1);
    expect(shop.facilitator.verifies).toHaveLength(1);
  });

  test("nobody else may have the run: other requests and signatures are 409", async () => {
    const shop = await before();
    const payment = paymentFor(shop.offer);
    shop.handler = () => new Response("no", { status: 500 });
    await shop.visit(presenting(payment));
    const forged = {
      ...payment,
      payload: { ...payment.payload, signature: `0x${"22".repeat(65)}` },
    };
    for (const request of [presenting(payment, `${URL_PAID}?page=2`), presenting(forged)])
      expect((await shop.visit(request)).status).toBe(409);
    expect(shop.handlerRuns).toBe(1);
  });
});

test.each([201, 204, 302, 304])("status %i is delivered and stored", async (status) => {
  const shop = await before();
  const payment = paymentFor(shop.offer);
  shop.handler = () => new Response(null, { status, headers: { Location: "/there" } });
  for (let i = 0; i < 2; i++) {
    const response = await shop.visit(presenting(payment));
    expect(response.status).toBe(status);
    expect(response.headers.get("Location")).toBe("/there");
    expect(receiptOf(response).success).toBe(true);
  }
  expect(shop.handlerRuns).toBe(1);
});

describe("when it is settled", () => {
  const flowOf = ({ extra }: PaymentRequirements) => extra?.["paymentFlow"];

  test.each<[string, SettleMode]>([
    ["GET", "after"],
    ["HEAD", "after"],
    ["OPTIONS", "after"],
    ["POST", "before"],
    ["PUT", "before"],
    ["PATCH", "before"],
    ["DELETE", "before"],
    ["PURGE", "before"],
  ])("%s: %s the handler, unless said otherwise, and the offer says so", async (method, mode) => {
    for (const settle of [undefined, "after", "before"] as const) {
      const shop = await openShop(settle === undefined ? {} : { settle }, { init: { method } });
      const expected = settle ?? mode;
      expect(flowOf(shop.offer)).toBe(expected === "before" ? "upfront" : undefined);
      const order = watch(shop);
      const paid = presenting(paymentFor(shop.offer), URL_PAID, { method });
      expect((await shop.visit(paid)).status).toBe(200);
      expect(order.filter((step) => step !== "verify")).toEqual(
        expected === "before" ? ["settle", "handler"] : ["handler", "settle"],
      );
    }
  });

  test("the route's option wins over the paywall's, the offer's flow over both", async () => {
    const extra = { paymentFlow: "upfront" };
    const accepts = [{ price: "$0.01" }, { price: "$0.02", extra }];
    const shop = await openShop({ settle: "before" }, { accepts, options: { settle: "after" } });
    const { accepts: offers } = demandOf(await shop.visit(new Request(URL_PAID)));
    expect(offers.map(flowOf)).toEqual([undefined, "upfront"]);
    const order = watch(shop);
    for (const offer of offers) expect((await shop.visit(paidRequest(offer))).status).toBe(200);
    expect(order).toEqual(["verify", "handler", "settle", "verify", "settle", "handler"]);
  });

  test.each([
    ["escrow", /paymentFlow/],
    [{}, /paymentFlow/],
  ])("a flow that is none (%j) is a TypeError", async (paymentFlow, message) => {
    const accepts = [{ price: "$0.01", extra: { paymentFlow } }];
    await expect(openShop({}, { accepts })).rejects.toThrow(message);
  });
});

describe("a client's own paymentFlow", () => {
  const withFlow = (offer: PaymentRequirements, paymentFlow: unknown) => {
    const { paymentFlow: _flow, ...extra } = offer.extra ?? {};
    const changed = {
      ...offer,
      extra: { ...extra, ...(paymentFlow !== undefined && { paymentFlow }) },
    };
    return presenting({ ...paymentFor(offer), accepted: changed });
  };

  test.each([undefined, "authorization", "escrow", null])(
    "other than upfront (%s) does not take an offer that is settled before",
    async (flow) => {
      const shop = await before();
      expect((await shop.visit(withFlow(shop.offer, flow))).status).toBe(402);
      expect(shop.handlerRuns).toBe(0);
      expect(shop.facilitator.settles).toEqual([]);
    },
  );

  test("changes nothing about an offer that is settled after", async () => {
    const shop = await openShop();
    const order = watch(shop);
    expect((await shop.visit(withFlow(shop.offer, "upfront"))).status).toBe(200);
    expect(order).toEqual(["verify", "handler", "settle"]);
    expect(shop.facilitator.settles[0]?.request.paymentRequirements).toEqual(shop.offer);
  });

  test("is none in v1, where the server's offer counts", async () => {
    const shop = await before();
    const order = watch(shop);
    expect((await shop.visit(presentingV1(paymentFor(shop.offer)))).status).toBe(200);
    expect(order).toEqual(["verify", "settle", "handler"]);
  });
});
