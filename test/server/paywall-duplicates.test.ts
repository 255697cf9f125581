import { describe, expect, test } from "vitest";
import {
  failedWith,
  openShop,
  PAYER,
  paymentFor,
  presenting,
  presentingV1,
  receiptOf,
  settled,
  URL_PAID,
} from "./world.ts";

const code = async (response: Response) => ((await response.json()) as { code: string }).code;

describe("one payment, many requests", () => {
  test("at once: the handler runs once, the others get 409 and may come again", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => shop.visit(presenting(payment))),
    );
    const statuses = responses.map((response) => response.status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(19);
    const refused = responses.find((response) => response.status === 409)!;
    expect(await code(refused)).toBe("payment_in_flight");
    expect(refused.headers.get("Retry-After")).toBe("1");
    expect(shop.handlerRuns).toBe(1);
    expect(shop.facilitator.settles).toHaveLength(1);
  });

  test("while the handler runs, and while it is settled: 409", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    const statuses: number[] = [];
    const again = async () => statuses.push((await shop.visit(presenting(payment))).status);
    shop.handler = async () => (await again(), new Response("the report"));
    shop.facilitator.onSettle = async (call) => (await again(), settled(call));
    expect((await shop.visit(presenting(payment))).status).toBe(200);
    expect(statuses).toEqual([409, 409]);
  });

  test("verified only after another request had settled it: the stored response, not that it was used", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    let first: Response | undefined;
    shop.facilitator.onVerify = async () => {
      if (first !== undefined) return { isValid: true, payer: PAYER };
      first = new Response(null);
      first = await shop.visit(presenting(payment));
      return { isValid: false, invalidReason: "invalid_exact_evm_nonce_already_used" };
    };
    const second = await shop.visit(presenting(payment));
    expect(first?.status).toBe(200);
    expect(second.status).toBe(200);
    expect(shop.handlerRuns).toBe(1);
  });

  test("later: the stored response with the same receipt, and no call to the facilitator", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    shop.handler = () => new Response(`report ${shop.handlerRuns}`);
    const first = await shop.visit(presenting(payment));
    for (let i = 0; i < 3; i++) {
      const later = await shop.visit(presenting(payment));
      expect(later.status).toBe(200);
      expect(await later.text()).toBe("report 1");
      expect(receiptOf(later)).toEqual(receiptOf(first));
    }
    expect(shop.handlerRuns).toBe(1);
    expect(shop.facilitator.verifies).toHaveLength(1);
    expect(shop.facilitator.settles).toHaveLength(1);
  });

  test("in v2 and then in v1: one payment, and the receipt in the header of who asks", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    await shop.visit(presenting(payment));
    const later = await shop.visit(presentingV1(payment));
    expect(later.headers.get("X-PAYMENT-RESPONSE")).not.toBeNull();
    expect(shop.handlerRuns).toBe(1);
  });

  test("in other hex case: one payment", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    await shop.visit(presenting(payment));
    const authorization = payment.payload["authorization"] as Record<string, string>;
    const nonce = `0x${authorization["nonce"]!.slice(2).toUpperCase()}`;
    const from = authorization["from"]!.toLowerCase();
    const spelled = {
      ...payment,
      payload: { ...payment.payload, authorization: { ...authorization, nonce, from } },
    };
    expect([200, 409]).toContain((await shop.visit(presenting(spelled))).status);
    expect(shop.handlerRuns).toBe(1);
    expect(shop.facilitator.settles).toHaveLength(1);
  });
});

describe("a payment is bound to method and URL", () => {
  test.each<[string, string, RequestInit]>([
    ["another path", "https://shop.example/other", {}],
    ["another query", `${URL_PAID}?page=2`, {}],
    ["another host", "https://other.example/report", {}],
    ["another method", URL_PAID, { method: "POST" }],
  ])("%s is 409 payment_bound_elsewhere, before and after it is served", async (_, url, init) => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    let during: Response | undefined;
    shop.handler = async () => (
      (during = await shop.visit(presenting(payment, url, init))),
      new Response("the report")
    );
    await shop.visit(presenting(payment));
    const after = await shop.visit(presenting(payment, url, init));
    for (const response of [during!, after]) {
      expect(response.status).toBe(409);
      expect(await code(response)).toBe("payment_bound_elsewhere");
    }
    expect(shop.handlerRuns).toBe(1);
  });

  test("a payment that was refused is bound to nothing", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    shop.facilitator.onVerify = () => ({ isValid: false });
    await shop.visit(presenting(payment));
    shop.facilitator.onVerify = () => ({ isValid: true });
    expect((await shop.visit(presenting(payment, `${URL_PAID}?page=2`))).status).toBe(200);
  });
});

describe("a response over 1 MiB", () => {
  test("is delivered, and not kept: later 409 payment_already_used", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    shop.handler = () => new Response(new Uint8Array(1024 * 1024 + 1));
    expect((await (await shop.visit(presenting(payment))).arrayBuffer()).byteLength).toBe(
      1024 * 1024 + 1,
    );
    const later = await shop.visit(presenting(payment));
    expect(later.status).toBe(409);
    expect(await code(later)).toBe("payment_already_used");
    expect(shop.handlerRuns).toBe(1);
  });

  test("is kept as long as its settlement is pending", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    shop.handler = () => new Response(new Uint8Array(1024 * 1024 + 1));
    shop.facilitator.onSettle = () => failedWith("settlement_pending");
    await shop.visit(presenting(payment));
    shop.facilitator.onSettle = settled;
    expect((await (await shop.visit(presenting(payment))).arrayBuffer()).byteLength).toBe(
      1024 * 1024 + 1,
    );
  });
});

/** Payer and nonce are public as soon as the transaction is sent; the signature proves who paid. */
describe("a stranger with the payer and nonce of a payment, and another signature", () => {
  const forged = `0x${"22".repeat(64)}1b`;

  test("does not get the stored response", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    await shop.visit(presenting(payment));
    shop.facilitator.onVerify = () => ({
      isValid: false,
      invalidReason: "invalid_exact_evm_signature",
    });
    const response = await shop.visit(
      presenting({ ...payment, payload: { ...payment.payload, signature: forged } }),
    );
    expect(await response.text()).not.toContain("the report");
    expect([402, 409]).toContain(response.status);
  });

  test("cannot end a pending settlement, so that the payer would pay for nothing", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    shop.facilitator.onSettle = () => failedWith("settlement_pending");
    await shop.visit(presenting(payment));
    const wrong = failedWith("invalid_exact_evm_signature");
    shop.facilitator.onVerify = () => ({
      isValid: false,
      invalidReason: "invalid_exact_evm_signature",
    });
    shop.facilitator.onSettle = (call) =>
      call.request.paymentPayload.payload["signature"] === forged ? wrong : settled(call);
    await shop.visit(
      presenting({ ...payment, payload: { ...payment.payload, signature: forged } }),
    );
    shop.facilitator.onVerify = () => ({ isValid: false, invalidReason: "duplicate_settlement" });
    const response = await shop.visit(presenting(payment));
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("the report");
    expect(shop.handlerRuns).toBe(1);
  });
});
