import { describe, expect, test } from "vitest";
import { PaymentRequiredV1 } from "../../src/core/messages-v1.ts";
import { parseValue } from "../../src/core/parse.ts";
import {
  demandOf,
  failedWith,
  openShop,
  paidRequest,
  paymentFor,
  presenting,
  presentingV1,
  receiptOf,
  URL_PAID,
} from "./world.ts";

describe("an unpaid request", () => {
  test("is answered 402 with offers for both versions, without the facilitator", async () => {
    const shop = await openShop();
    const response = await shop.visit(new Request(URL_PAID));
    expect(response.status).toBe(402);
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(response.headers.get("Content-Type")).toBe("application/json");
    expect(demandOf(response)).toMatchObject({
      resource: { url: URL_PAID, description: "A report" },
      accepts: [shop.offer],
    });
    const body = parseValue(
      PaymentRequiredV1,
      await response.json(),
      "malformed_request",
      "402 body",
    );
    expect(body.accepts).toMatchObject([
      { network: "base-sepolia", maxAmountRequired: "10000", resource: URL_PAID },
    ]);
    expect(shop.facilitator.verifies).toEqual([]);
    expect(shop.facilitator.settles).toEqual([]);
    expect(shop.handlerRuns).toBe(0);
  });

  test("asks for the price of the route, in the known token, to the payee", async () => {
    const { offer } = await openShop();
    expect(offer).toEqual({
      scheme: "exact",
      network: "eip155:84532",
      amount: "10000",
      asset: "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
      payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
      maxTimeoutSeconds: 300,
      extra: { name: "USDC", version: "2" },
    });
  });
});

describe("a paid request", () => {
  test("is verified, handled and settled once each, in that order, and gets the receipt", async () => {
    const shop = await openShop();
    const order: string[] = [];
    const { onVerify, onSettle } = shop.facilitator;
    shop.facilitator.onVerify = (call) => (order.push("verify"), onVerify(call));
    shop.facilitator.onSettle = (call) => (order.push("settle"), onSettle(call));
    shop.handler = () => (order.push("handler"), new Response("the report"));
    const response = await shop.visit();
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("the report");
    expect(order).toEqual(["verify", "handler", "settle"]);
    expect(receiptOf(response)).toMatchObject({
      success: true,
      transaction: `0x${"7a".repeat(32)}`,
    });
    expect(response.headers.get("X-PAYMENT-RESPONSE")).toBeNull();
  });

  test("is verified and settled against the offer of the server, under one idempotency key of its own", async () => {
    const shop = await openShop();
    await shop.visit();
    await shop.visit();
    const [verify] = shop.facilitator.verifies;
    const [first, second] = shop.facilitator.settles;
    expect(verify?.request.paymentRequirements).toEqual(shop.offer);
    expect(first?.request).toEqual(verify?.request);
    expect(first?.options?.idempotencyKey).toMatch(/^\S{16,}$/);
    expect(second?.options?.idempotencyKey).not.toBe(first?.options?.idempotencyKey);
  });

  test("of a v1 client gets its receipt in X-PAYMENT-RESPONSE, with the v1 name of the network", async () => {
    const shop = await openShop();
    const response = await shop.visit(presentingV1(paymentFor(shop.offer)));
    expect(response.status).toBe(200);
    expect(response.headers.get("PAYMENT-RESPONSE")).toBeNull();
    const header = Buffer.from(
      response.headers.get("X-PAYMENT-RESPONSE") ?? "",
      "base64",
    ).toString();
    expect(JSON.parse(header)).toMatchObject({ success: true, network: "base-sepolia" });
    expect(shop.facilitator.settles[0]?.request).toMatchObject({
      x402Version: 2,
      paymentRequirements: shop.offer,
    });
  });
});

describe("a payment that is invalid", () => {
  test("is 402 with the reason and fresh offers, and the handler does not run", async () => {
    const shop = await openShop();
    shop.facilitator.onVerify = () => ({
      isValid: false,
      invalidReason: "invalid_exact_evm_insufficient_balance",
    });
    const response = await shop.visit();
    expect(response.status).toBe(402);
    expect(demandOf(response)).toMatchObject({
      error: "invalid_exact_evm_insufficient_balance",
      accepts: [shop.offer],
    });
    expect(shop.handlerRuns).toBe(0);
    expect(shop.facilitator.settles).toEqual([]);
  });

  test("may be presented again, and is verified anew", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    shop.facilitator.onVerify = () => ({ isValid: false });
    expect((await shop.visit(presenting(payment))).status).toBe(402);
    shop.facilitator.onVerify = () => ({ isValid: true });
    expect((await shop.visit(presenting(payment))).status).toBe(200);
  });

  test.each(["duplicate_settlement", "invalid_exact_evm_nonce_already_used"])(
    "because it was used (%s) is 409: another signature would not be wanted",
    async (invalidReason) => {
      const shop = await openShop();
      shop.facilitator.onVerify = () => ({ isValid: false, invalidReason });
      const response = await shop.visit();
      expect(response.status).toBe(409);
      expect(await response.json()).toMatchObject({ code: "payment_already_used" });
    },
  );
});

describe("a settlement that failed", () => {
  test("is 402 with the receipt, and none of the handler's response", async () => {
    const shop = await openShop();
    shop.handler = () => new Response("secret", { headers: { "X-Secret": "1" } });
    shop.facilitator.onSettle = () =>
      failedWith("invalid_exact_evm_transaction_failed", `0x${"7a".repeat(32)}`);
    const response = await shop.visit();
    expect(response.status).toBe(402);
    expect(response.headers.get("X-Secret")).toBeNull();
    expect(await response.text()).not.toContain("secret");
    expect(receiptOf(response)).toMatchObject({
      success: false,
      errorReason: "invalid_exact_evm_transaction_failed",
    });
  });

  test("because the payment was used elsewhere is 409", async () => {
    const shop = await openShop();
    shop.facilitator.onSettle = () => failedWith("duplicate_settlement");
    const response = await shop.visit();
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ code: "payment_already_used" });
  });

  test("in one visit does not stop another payment", async () => {
    const shop = await openShop();
    shop.facilitator.onSettle = () => failedWith("invalid_exact_evm_insufficient_balance");
    await shop.visit();
    shop.facilitator.onSettle = (call) => ({
      ...failedWith(undefined),
      ...call,
      success: true,
      transaction: `0x${"7b".repeat(32)}`,
      network: "eip155:84532",
    });
    expect((await shop.visit(paidRequest(shop.offer))).status).toBe(200);
  });
});
