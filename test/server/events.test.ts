import { describe, expect, test } from "vitest";
import { X402Error } from "../../src/core/errors.ts";
import type { PaywallEvent, PaywallOptions } from "../../src/server/index.ts";
import { lapsingClaims } from "./claim-faults.ts";
import { failedWith, openShop, PAYER, paymentFor, presenting, settled, URL_PAID } from "./world.ts";

const WHERE = { method: "GET", path: "/report" };

async function observed(options: Partial<PaywallOptions> = {}) {
  const events: PaywallEvent[] = [];
  const shop = await openShop({ ...options, onEvent: (event) => void events.push(event) });
  events.length = 0;
  const payment = paymentFor(shop.offer);
  const { nonce } = payment.payload["authorization"] as { nonce: string };
  const facts = {
    id: `eip3009:84532:${shop.offer.asset.toLowerCase()}:${PAYER.toLowerCase()}:${nonce}`,
    payer: PAYER,
    amount: "10000",
    asset: shop.offer.asset,
    network: "eip155:84532",
  };
  return { shop, events, payment, facts, pay: () => shop.visit(presenting(payment)) };
}

const verified = (facts: object) => ({ ...WHERE, type: "payment_verified", ...facts });
const receipt = expect.objectContaining({ success: true });

describe("events, with all that they hold", () => {
  test("unpaid, paid, and fetched again", async () => {
    const { shop, events, facts, pay } = await observed();
    await shop.visit(new Request(`${URL_PAID}?page=2`));
    await pay();
    await pay();
    expect(events).toEqual([
      { ...WHERE, type: "payment_required", error: "Payment required: pay one of the offers." },
      verified(facts),
      { ...WHERE, type: "payment_settled", receipt, ...facts },
      { ...WHERE, type: "response_replayed", ...facts },
    ]);
  });

  test("a payment that cannot be read, that is refused, and that is bound elsewhere", async () => {
    const { shop, events, facts, payment, pay } = await observed();
    const malformed = new Request(URL_PAID, { headers: { "PAYMENT-SIGNATURE": "?" } });
    await shop.visit(malformed);
    shop.facilitator.onVerify = () => ({ isValid: false, invalidReason: "invalid_payload" });
    await pay();
    shop.facilitator.onVerify = () => ({ isValid: true, payer: PAYER });
    await pay();
    await shop.visit(presenting(payment, `${URL_PAID}?page=2`));
    expect(events).toEqual([
      { ...WHERE, type: "payment_rejected", code: "malformed_payment" },
      { ...WHERE, type: "payment_required", error: "invalid_payload" },
      verified(facts),
      { ...WHERE, type: "payment_settled", receipt, ...facts },
      { ...WHERE, type: "payment_rejected", code: "payment_bound_elsewhere" },
    ]);
  });

  test("a settlement that is unknown, and one that failed", async () => {
    const { shop, events, facts, pay } = await observed();
    shop.facilitator.onSettle = () => failedWith("settlement_pending");
    await pay();
    const reason = "invalid_exact_evm_transaction_failed";
    shop.facilitator.onSettle = () => failedWith(reason);
    await pay();
    expect(events).toEqual([
      verified(facts),
      { ...WHERE, type: "settlement_unknown", code: "settlement_pending", ...facts },
      { ...WHERE, type: "settlement_failed", reason, ...facts },
      { ...WHERE, type: "payment_required", error: reason },
    ]);
  });

  test.each(["after", "before"] as const)("a handler that fails (settled %s)", async (settle) => {
    const { shop, events, facts, pay } = await observed({ settle });
    const charged = settle === "before";
    shop.handler = () => new Response("no", { status: 500 });
    await pay();
    shop.handler = () => Promise.reject(new Error("down"));
    await pay();
    expect(events.filter(({ type }) => type === "handler_failed")).toEqual([
      { ...WHERE, type: "handler_failed", charged, status: 500, ...facts },
      { ...WHERE, type: "handler_failed", charged, status: undefined, ...facts },
    ]);
  });

  test("a response that cannot be held back", async () => {
    const { events, facts, pay } = await observed({ maxResponseBytes: 1 });
    await pay();
    expect(events).toEqual([
      verified(facts),
      { ...WHERE, type: "response_not_held", why: expect.stringContaining("1 bytes"), ...facts },
    ]);
  });

  test("a guard that refuses, and one that fails", async () => {
    const error = new Error("bug");
    const hooks = [
      () => ({ abort: true, reason: "no" }) as const,
      () => {
        throw error;
      },
    ];
    for (const settle of ["after", "before"] as const) {
      const { events, facts, pay } = await observed({ settle, onBeforeSettle: () => hooks[0]!() });
      await pay();
      hooks.reverse();
      await pay();
      hooks.reverse();
      expect(events).toEqual([
        verified(facts),
        { ...WHERE, type: "payment_rejected", code: "request_refused" },
        verified(facts),
        { ...WHERE, type: "hook_failed", hook: "onBeforeSettle", error },
      ]);
    }
  });

  test("a facilitator, and the claims, that cannot be used: once each", async () => {
    const claims = lapsingClaims();
    const { shop, events, pay } = await observed({ claims });
    const error = new X402Error("facilitator_unavailable", "down", { retry: "safe" });
    shop.facilitator.onVerify = () => Promise.reject(error);
    await pay();
    const lost = new X402Error("ledger_unavailable", "down");
    claims.get = () => Promise.reject(lost);
    await pay();
    expect(events).toEqual([
      { method: "", path: "/", type: "dependency_failed", name: "#0", error },
      { ...WHERE, type: "dependency_failed", name: "claims", error: lost },
    ]);
  });
});

test("no event holds a signature, a payment header or an identifier", async () => {
  const { shop, events, payment } = await observed({ settle: "before" });
  const named = {
    ...payment,
    extensions: { "payment-identifier": { info: { id: "secret-identifier" } } },
  };
  const request = presenting(named, `${URL_PAID}?token=secret`);
  const header = request.headers.get("PAYMENT-SIGNATURE")!;
  shop.handler = () => new Response("no", { status: 500 });
  for (const onSettle of [
    () => failedWith("settlement_pending"),
    settled,
    () => failedWith("duplicate_settlement"),
  ]) {
    shop.facilitator.onSettle = onSettle;
    await shop.visit(request.clone());
    await shop.visit(presenting(payment));
  }
  expect(events.length).toBeGreaterThan(5);
  const told = JSON.stringify(events);
  expect(told).not.toContain("secret");
  expect(told).not.toContain(payment.payload["signature"]);
  expect(told).not.toContain(header.slice(0, 100));
});

describe("an observer cannot break anything", () => {
  test.each<[string, () => void | Promise<void>]>([
    [
      "throws",
      () => {
        throw new Error("bug");
      },
    ],
    ["rejects", () => Promise.reject(new Error("bug"))],
    ["never ends", () => new Promise(() => undefined)],
  ])("that %s", async (_, onEvent) => {
    for (const settle of ["after", "before"] as const) {
      const shop = await openShop({ settle, onEvent });
      const payment = paymentFor(shop.offer);
      for (let i = 0; i < 2; i++)
        expect(await (await shop.visit(presenting(payment))).text()).toBe("the report");
      expect((await shop.visit(new Request(URL_PAID))).status).toBe(402);
      shop.handler = () => Promise.reject(new Error("down"));
      expect((await shop.visit()).status).toBe(500);
      expect(shop.facilitator.settles).toHaveLength(settle === "after" ? 1 : 2);
    }
  });
});
