import { describe, expect, test } from "vitest";
import { X402Error } from "../../src/core/errors.ts";
import {
  failedWith,
  openShop,
  paymentFor,
  presenting,
  receiptOf,
  settled,
  type Call,
} from "./world.ts";

const down = () =>
  new X402Error("facilitator_unavailable", "http://user:key@10.0.0.1 refused", { retry: "unsafe" });

async function expectTryAgain(response: Response, code: string): Promise<void> {
  expect(response.status).toBe(503);
  expect(response.headers.get("Retry-After")).toMatch(/^[1-9]\d*$/);
  expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  expect(response.headers.get("PAYMENT-REQUIRED"), "no new signature is asked for").toBeNull();
  const body = await response.text();
  expect(JSON.parse(body)).toMatchObject({ code });
  expect(body).not.toMatch(/10\.0\.0\.1|report|the table/);
}

describe("when verify has no answer", () => {
  test.each<[string, () => unknown, string]>([
    ["facilitator down", down, "facilitator_unavailable"],
    [
      "facilitator malformed",
      () => new X402Error("facilitator_malformed", "x"),
      "facilitator_malformed",
    ],
    ["any other error", () => new TypeError("the table is gone"), "internal_error"],
    ["something that is no error", () => "the table is gone", "internal_error"],
  ])("%s: 503, and the handler does not run", async (_, thrown, code) => {
    const shop = await openShop();
    shop.facilitator.onVerify = () => Promise.reject(thrown());
    await expectTryAgain(await shop.visit(), code);
    expect(shop.handlerRuns).toBe(0);
    expect(shop.facilitator.settles).toEqual([]);
  });

  test("the same payment is good as soon as the facilitator is back", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    const { onVerify } = shop.facilitator;
    shop.facilitator.onVerify = () => Promise.reject(down());
    await shop.visit(presenting(payment));
    shop.facilitator.onVerify = onVerify;
    expect((await shop.visit(presenting(payment))).status).toBe(200);
  });
});

describe("when the settlement is unknown", () => {
  const unknown: readonly [string, string, (call: Call) => ReturnType<typeof settled>][] = [
    [
      "it throws",
      "facilitator_unavailable",
      () => {
        throw down();
      },
    ],
    [
      "it is pending",
      "settlement_pending",
      () => failedWith("settlement_pending", `0x${"7a".repeat(32)}`),
    ],
    ["it failed without a reason", "settlement_pending", () => failedWith(undefined)],
    [
      "it names another network",
      "facilitator_malformed",
      (call) => ({ ...settled(call), network: "eip155:1" }),
    ],
    [
      "it succeeded without a transaction",
      "facilitator_malformed",
      (call) => ({ ...settled(call), transaction: "" }),
    ],
    [
      "it moved another amount",
      "facilitator_malformed",
      (call) => ({ ...settled(call), amount: "1" }),
    ],
    [
      "it names another payer",
      "facilitator_malformed",
      (call) => ({ ...settled(call), payer: `0x${"c2".repeat(20)}` }),
    ],
  ];

  test.each(unknown)("because %s: 503, with nothing of the response", async (_, code, onSettle) => {
    const shop = await openShop();
    shop.facilitator.onSettle = onSettle;
    await expectTryAgain(await shop.visit(), code);
  });

  test.each(unknown)(
    "because %s: asked again, the identical settlement is sent and the stored response given",
    async (_, __, onSettle) => {
      const shop = await openShop();
      const payment = paymentFor(shop.offer);
      shop.handler = () => new Response(`report ${shop.handlerRuns}`);
      shop.facilitator.onSettle = onSettle;
      for (let i = 0; i < 3; i++) expect((await shop.visit(presenting(payment))).status).toBe(503);
      shop.facilitator.onSettle = settled;
      const response = await shop.visit(presenting(payment));
      expect(response.status).toBe(200);
      expect(await response.text()).toBe("report 1");
      expect(receiptOf(response).success).toBe(true);
      expect(shop.handlerRuns).toBe(1);
      expect(shop.facilitator.verifies).toHaveLength(1);
      const [first, ...others] = shop.facilitator.settles;
      expect(others).toEqual([first, first, first]);
    },
  );

  test("a failure that is proven later is 402, and gives the payment free", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    shop.facilitator.onSettle = () => failedWith("settlement_pending");
    await shop.visit(presenting(payment));
    shop.facilitator.onSettle = () => failedWith("invalid_exact_evm_transaction_failed");
    expect((await shop.visit(presenting(payment))).status).toBe(402);
    shop.facilitator.onSettle = settled;
    expect((await shop.visit(presenting(payment))).status).toBe(200);
    expect(shop.handlerRuns).toBe(2);
  });
});

test("a facilitator that is down does not hurt unpaid requests, nor the making of the paywall", async () => {
  const shop = await openShop({ facilitator: "http://127.0.0.1:1" });
  expect((await shop.visit(new Request("https://shop.example/report"))).status).toBe(402);
  await expectTryAgain(await shop.visit(), "facilitator_unavailable");
});
