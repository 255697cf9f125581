import { describe, expect, test } from "vitest";
import type { Price } from "../../src/core/scheme.ts";
import type { PaywallRequest } from "../../src/server/index.ts";
import {
  demandOf,
  openShop,
  paidRequest,
  PAY_TO,
  paymentFor,
  presenting,
  presentingV1,
  settled,
  failedWith,
  URL_PAID,
} from "./world.ts";

const OTHER = "0x857b06519E91e3A54538791bDbb0E22373e36b66";
const amountsOf = (shop: Awaited<ReturnType<typeof openShop>>) =>
  shop.facilitator.settles.map(({ request }) => request.paymentRequirements.amount);

describe("a price that depends on the request", () => {
  test("is asked for by each request, with the payee", async () => {
    const long = ({ url }: PaywallRequest) => url.includes("long");
    const shop = await openShop(
      { payTo: (request) => (long(request) ? OTHER : PAY_TO) },
      { accepts: async (request) => (long(request) ? "$0.05" : 0.01) },
    );
    for (const [url, amount, payTo] of [
      [URL_PAID, "10000", PAY_TO],
      [`${URL_PAID}?long`, "50000", OTHER],
    ] as const) {
      const [offer] = demandOf(await shop.visit(new Request(url))).accepts;
      expect(offer).toMatchObject({ amount, payTo });
      expect((await shop.visit(presenting(paymentFor(offer!), url))).status).toBe(200);
    }
    expect(amountsOf(shop)).toEqual(["10000", "50000"]);
  });

  test("of the cheap request does not pay for the dear one", async () => {
    const shop = await openShop({}, { accepts: ({ url }) => (url.includes("long") ? "$5" : "$1") });
    const response = await shop.visit(presenting(paymentFor(shop.offer), `${URL_PAID}?long`));
    expect(response.status).toBe(402);
    expect(shop.handlerRuns).toBe(0);
  });

  test.each(["after", "before"] as const)(
    "that changed since the 402 is asked for anew; one that changed since the claim is not (%s)",
    async (settle) => {
      let price = "$0.01";
      const shop = await openShop({ settle }, { accepts: () => price });
      const payment = paymentFor(shop.offer);
      price = "$0.02";
      const refused = await shop.visit(presenting(payment));
      expect(refused.status).toBe(402);
      expect(demandOf(refused).accepts[0]?.amount).toBe("20000");
      price = "$0.01";
      shop.facilitator.onSettle = () => failedWith("settlement_pending");
      expect((await shop.visit(presenting(payment))).status).toBe(503);
      price = "$0.03";
      expect((await shop.visit(presenting(payment))).status).toBe(503);
      shop.facilitator.onSettle = settled;
      for (const again of [presenting(payment), presentingV1(payment), presenting(payment)])
        expect(await (await shop.visit(again)).text()).toBe("the report");
      expect(amountsOf(shop)).toEqual(["10000", "10000", "10000"]);
      expect(shop.handlerRuns).toBe(1);
    },
  );

  test("v1 payments, which name no price, are verified against the price of now", async () => {
    let price = "$0.01";
    const shop = await openShop({}, { accepts: () => price });
    const payment = paymentFor(shop.offer);
    price = "$0.02";
    shop.facilitator.onVerify = ({ request: { paymentPayload, paymentRequirements } }) => {
      const { authorization } = paymentPayload.payload as { authorization: { value: string } };
      return { isValid: authorization.value === paymentRequirements.amount };
    };
    expect((await shop.visit(presentingV1(payment))).status).toBe(402);
    price = "$0.01";
    expect((await shop.visit(presentingV1(payment))).status).toBe(200);
    expect(amountsOf(shop)).toEqual(["10000"]);
  });

  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("secret");
      },
    ],
    ["rejects", () => Promise.reject(new Error("secret"))],
    ["is nothing", () => undefined],
    ["is free", () => "$0"],
    ["is none", () => "secret"],
    ["is too small for the token", () => "$0.0000001"],
    ["is negative", () => -1],
    ["is no number", () => Number.NaN],
    ["pays nobody", () => ({ amount: "1", asset: "secret" })],
  ])("that %s: 503, closed, and nothing of it told", async (_, fail) => {
    let broken = false;
    const accepts = () => (broken ? (fail() as Price) : "$0.01");
    const shop = await openShop({}, { accepts });
    broken = true;
    for (const request of [new Request(URL_PAID), paidRequest(shop.offer)]) {
      const response = await shop.visit(request);
      expect(response.status).toBe(503);
      expect(await response.text()).not.toContain("secret");
    }
    expect(shop.handlerRuns).toBe(0);
    expect(shop.facilitator.verifies).toEqual([]);
  });
});

describe("several ways to pay", () => {
  const accepts = [
    { price: "$0.01" },
    { price: "$0.02", network: "eip155:8453" },
    { price: "$0.03", payTo: OTHER },
  ];

  test("each payment is verified and settled against the offer that it accepts", async () => {
    const shop = await openShop({}, { accepts });
    const { accepts: offers } = demandOf(await shop.visit(new Request(URL_PAID)));
    for (const offer of offers) expect((await shop.visit(paidRequest(offer))).status).toBe(200);
    expect(shop.facilitator.settles.map(({ request }) => request.paymentRequirements)).toEqual(
      offers,
    );
  });

  test("parts of two offers are none", async () => {
    const shop = await openShop({}, { accepts });
    const { accepts: offers } = demandOf(await shop.visit(new Request(URL_PAID)));
    const [first, second, third] = offers as [
      typeof shop.offer,
      typeof shop.offer,
      typeof shop.offer,
    ];
    for (const mixed of [
      { ...first, network: second.network },
      { ...third, amount: first.amount },
      { ...second, asset: first.asset },
      { ...first, scheme: "upto" },
      { ...first, maxTimeoutSeconds: 1e9 },
      { ...first, amount: "1" },
    ]) {
      const response = await shop.visit(presenting({ ...paymentFor(first), accepted: mixed }));
      expect(response.status).toBe(402);
    }
    expect(shop.facilitator.verifies).toEqual([]);
  });
});

test.each(["__proto__", "constructor", "prototype"])(
  "a payment with the key %s is 400",
  async (key) => {
    const shop = await openShop();
    const text = JSON.stringify(paymentFor(shop.offer)).replace("{", `{"${key}":{"amount":"1"},`);
    const headers = { "PAYMENT-SIGNATURE": btoa(text) };
    expect((await shop.visit(new Request(URL_PAID, { headers }))).status).toBe(400);
    expect(({} as { amount?: unknown }).amount).toBeUndefined();
  },
);
