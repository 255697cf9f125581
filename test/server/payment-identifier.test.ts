import { describe, expect, test } from "vitest";
import type { PaymentPayload } from "../../src/core/messages.ts";
import {
  demandOf,
  failedWith,
  openShop,
  paymentFor,
  presenting,
  presentingV1,
  settled,
  URL_PAID,
} from "./world.ts";

const ID = "pay_0123456789abcdef";
const withInfo = (payment: PaymentPayload, info: unknown): PaymentPayload => ({
  ...payment,
  extensions: { "payment-identifier": { info } },
});
const named = (payment: PaymentPayload, id: unknown = ID) =>
  withInfo(payment, { required: false, id });
const codeOf = async (response: Response) => ((await response.json()) as { code: unknown }).code;

describe("a 402 declares the extension", () => {
  test.each([
    [undefined, false],
    ["optional", false],
    ["required", true],
  ] as const)("%s: required %s", async (paymentIdentifier, required) => {
    const shop = await openShop(paymentIdentifier === undefined ? {} : { paymentIdentifier });
    const { extensions } = demandOf(await shop.visit(new Request(URL_PAID)));
    expect(extensions).toMatchObject({ "payment-identifier": { info: { required } } });
  });

  test("off: not at all", async () => {
    const shop = await openShop({ paymentIdentifier: "off" });
    expect(demandOf(await shop.visit(new Request(URL_PAID)))).not.toHaveProperty("extensions");
  });
});

describe("an identifier", () => {
  test("with the same payment: the stored response", async () => {
    const shop = await openShop();
    const payment = named(paymentFor(shop.offer));
    for (let i = 0; i < 2; i++)
      expect(await (await shop.visit(presenting(payment))).text()).toBe("the report");
    expect(shop.handlerRuns).toBe(1);
  });

  test("with another payment of the payer: 409, not charged", async () => {
    const shop = await openShop();
    await shop.visit(presenting(named(paymentFor(shop.offer))));
    const response = await shop.visit(presenting(named(paymentFor(shop.offer))));
    expect(response.status).toBe(409);
    expect(await codeOf(response)).toBe("payment_identifier_conflict");
    expect(shop.handlerRuns).toBe(1);
    expect(shop.facilitator.settles).toHaveLength(1);
  });

  test("of another payer is another identifier", async () => {
    const shop = await openShop();
    await shop.visit(presenting(named(paymentFor(shop.offer))));
    shop.facilitator.onVerify = () => ({ isValid: true, payer: `0x${"c2".repeat(20)}` });
    shop.facilitator.onSettle = ({ request }) => ({
      success: true,
      transaction: `0x${"7c".repeat(32)}`,
      network: request.paymentRequirements.network,
    });
    expect((await shop.visit(presenting(named(paymentFor(shop.offer))))).status).toBe(200);
  });

  /** It is never published, as all the rest of a payment is once it is settled. */
  test.each<[string, (payment: PaymentPayload) => PaymentPayload]>([
    ["another", (payment) => named(payment, `${ID}x`)],
    ["none", ({ extensions: _extensions, ...payment }) => payment],
  ])("%s in its place does not get the stored response", async (_, change) => {
    for (const settle of ["after", "before"] as const) {
      const shop = await openShop({ settle });
      const payment = named(paymentFor(shop.offer));
      await (await shop.visit(presenting(payment))).text();
      const response = await shop.visit(presenting(change(payment)));
      expect(response.status).toBe(409);
      expect(await response.text()).not.toContain("the report");
      expect(shop.handlerRuns).toBe(1);
    }
  });

  test("of a payment whose settlement failed may name the next one", async () => {
    const shop = await openShop();
    shop.facilitator.onSettle = () => failedWith("invalid_exact_evm_insufficient_balance");
    expect((await shop.visit(presenting(named(paymentFor(shop.offer))))).status).toBe(402);
    shop.facilitator.onSettle = settled;
    expect((await shop.visit(presenting(named(paymentFor(shop.offer))))).status).toBe(200);
  });

  test("is not looked at where it is off", async () => {
    const shop = await openShop({ paymentIdentifier: "off" });
    const payment = named(paymentFor(shop.offer), "x");
    expect((await shop.visit(presenting(payment))).status).toBe(200);
  });

  test("of a payment that is refused is bound to nothing", async () => {
    const shop = await openShop();
    shop.facilitator.onVerify = () => ({ isValid: false, invalidReason: "invalid_payload" });
    await shop.visit(presenting(named(paymentFor(shop.offer))));
    shop.facilitator.onVerify = () => ({ isValid: true });
    expect((await shop.visit(presenting(named(paymentFor(shop.offer))))).status).toBe(200);
  });

  test.each([
    "short",
    "x".repeat(15),
    "x".repeat(129),
    `${"x".repeat(16)}\n`,
    "ü".repeat(16),
    1,
    {},
    [],
  ])("that is none (%j) is 400, before anybody is asked", async (id) => {
    const shop = await openShop();
    const response = await shop.visit(presenting(named(paymentFor(shop.offer), id)));
    expect(response.status).toBe(400);
    expect(await codeOf(response)).toBe("malformed_payment");
    expect(shop.facilitator.verifies).toEqual([]);
  });

  test.each(["x".repeat(16), "x".repeat(128), "-_AZaz09-_AZaz09"])("%j is one", async (id) => {
    const shop = await openShop();
    expect((await shop.visit(presenting(named(paymentFor(shop.offer), id)))).status).toBe(200);
  });
});

describe("where it is required", () => {
  test.each<[string, (payment: PaymentPayload) => PaymentPayload]>([
    ["no extension", (payment) => payment],
    ["no info", (payment) => ({ ...payment, extensions: { "payment-identifier": {} } })],
    ["no id", (payment) => withInfo(payment, { required: true })],
    ["id null", (payment) => withInfo(payment, { required: true, id: null })],
    ["a list", (payment) => withInfo(payment, [ID])],
  ])("%s is 400", async (_, change) => {
    const shop = await openShop({ paymentIdentifier: "required" });
    const response = await shop.visit(presenting(change(paymentFor(shop.offer))));
    expect(response.status).toBe(400);
    expect(shop.facilitator.verifies).toEqual([]);
  });

  test("v1, which has no extensions, is 400; an identifier is 200", async () => {
    const shop = await openShop({ paymentIdentifier: "required" });
    expect((await shop.visit(presentingV1(paymentFor(shop.offer)))).status).toBe(400);
    expect((await shop.visit(presenting(named(paymentFor(shop.offer))))).status).toBe(200);
  });

  test("where it is not, none is fine", async () => {
    const shop = await openShop({ paymentIdentifier: "optional" });
    expect((await shop.visit()).status).toBe(200);
  });
});
