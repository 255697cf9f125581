import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test, vi } from "vitest";
import {
  memorySpendStore,
  PaymentRejected,
  PaymentUncertain,
  reconcileSpending,
  spendPolicy,
  type SpendStore,
} from "../../../src/client/index.ts";
import { demand, isPaid, OFFER, openShop, sell, sellAt, type Reply } from "../shop.ts";
import { exposure, nonces, openBuyer, outcomeOf } from "./meter.ts";

const EARLIER = { name: "PaymentRefused", rule: "earlier_payment" };
const SECOND = 1000;

describe.each([
  ["without a store", () => undefined],
  ["with a store", () => memorySpendStore()],
])("a server that rejects every payment, %s", (_, storeOf) => {
  const open = (change: object = {}) => {
    const store = storeOf();
    return openBuyer({ ...(store && { store }), ...change });
  };

  test("gets one nonce, however often the request is made", async () => {
    const shop = await openShop(() => demand());
    const buyer = open();
    for (let call = 0; call < 2; call++)
      expect(await outcomeOf(buyer.pay(shop.url))).toBeInstanceOf(PaymentRejected);
    for (let call = 0; call < 4; call++)
      expect(await outcomeOf(buyer.pay(shop.url))).toMatchObject(EARLIER);
    expect(buyer.signed).toHaveLength(2);
    expect(nonces(buyer.signed)).toBe(1);
  });

  test("gets no other nonce when it raises the price beyond the limit in between", async () => {
    let amount = "10000";
    const shop = await openShop((request) => sellAt({ amount })({ ...request, headers: {} }));
    const buyer = open();
    expect(await outcomeOf(buyer.pay(shop.url))).toBeInstanceOf(PaymentRejected);
    for (const [price, error] of [
      ["2000000", { rule: "max_amount" }],
      ["10000", { name: "PaymentRejected" }],
      ["2000000", { rule: "max_amount" }],
      ["10000", EARLIER],
      ["10000", EARLIER],
    ] as const) {
      amount = price;
      expect(await outcomeOf(buyer.pay(shop.url))).toMatchObject(error);
    }
    expect(nonces(buyer.signed)).toBe(1);
  });

  test.each([1, 30, 59])("gets no other nonce %i s after the first ran out", async (late) => {
    let nowMs = Date.now();
    const shop = await openShop(() => demand());
    const buyer = open({ now: () => nowMs });
    await outcomeOf(buyer.pay(shop.url));
    await outcomeOf(buyer.pay(shop.url));
    nowMs += (OFFER.maxTimeoutSeconds + late) * SECOND;
    expect(await outcomeOf(buyer.pay(shop.url))).toMatchObject(EARLIER);
    expect(nonces(buyer.signed)).toBe(1);
    nowMs += (61 - late) * SECOND;
    expect(await outcomeOf(buyer.pay(shop.url))).toBeInstanceOf(PaymentRejected);
    expect(nonces(buyer.signed)).toBe(2);
  });

  test("whose price confirm refuses in between still gets one nonce", async () => {
    const shop = await openShop(() => demand());
    let answer = true;
    const buyer = open({ policy: spendPolicy({ confirm: { ask: () => answer } }) });
    await outcomeOf(buyer.pay(shop.url));
    answer = false;
    expect(await outcomeOf(buyer.pay(shop.url))).toMatchObject({ rule: "confirm" });
    answer = true;
    expect(await outcomeOf(buyer.pay(shop.url))).toBeInstanceOf(PaymentRejected);
    expect(nonces(buyer.signed)).toBe(1);
  });
});

describe.each([
  ["without a store", () => undefined],
  ["with a store", () => memorySpendStore()],
])("a payment that never gets an answer, %s", (_, storeOf) => {
  test.each([409, 503])("(%i for ever) blocks its request a day, and no longer", async (status) => {
    let nowMs = Date.now();
    const shop = await openShop((request) => (isPaid(request) ? { status } : demand()));
    const store = storeOf();
    const buyer = openBuyer({ now: () => nowMs, ...(store && { store }) });
    const expiresMs = (OFFER.maxTimeoutSeconds + 60) * SECOND;
    for (const waitMs of [0, expiresMs, 86_400 * SECOND - 1]) {
      nowMs += waitMs;
      expect(await outcomeOf(buyer.pay(shop.url))).toBeInstanceOf(PaymentUncertain);
      expect(buyer.signed).toHaveLength(1);
    }
    nowMs += 2;
    expect(await outcomeOf(buyer.pay(shop.url))).toBeInstanceOf(PaymentUncertain);
    expect(buyer.signed).toHaveLength(2);
    // The first may have been taken, for all that is known.
    if (store) expect(await store.spent("total", "USD", nowMs)).toBe(20_000);
  });
});

describe("a payment of which nothing is known", () => {
  test.each([undefined, "expired"])(
    "is given up once the server refuses it after its time (reason: %s)",
    async (error) => {
      let nowMs = Date.now();
      let reply: (paid: boolean) => Reply = () => ({ status: 503 });
      const shop = await openShop((request) => (isPaid(request) ? reply(true) : demand()));
      const buyer = openBuyer({ now: () => nowMs });
      expect(await outcomeOf(buyer.pay(shop.url))).toBeInstanceOf(PaymentUncertain);
      reply = () => demand({ error });
      expect(await outcomeOf(buyer.pay(shop.url))).toBeInstanceOf(PaymentUncertain);
      expect(buyer.signed).toHaveLength(1);
      nowMs += (OFFER.maxTimeoutSeconds + 61) * SECOND;
      await outcomeOf(buyer.pay(shop.url));
      expect(buyer.signed).toHaveLength(2);
      // In case that it was taken before it ran out.
      expect(nonces(buyer.signed)).toBe(1);
    },
  );

  test("is not rejected by a 402 with a receipt of success", async () => {
    const receipt = { success: true, transaction: `0x${"7a".repeat(32)}`, network: OFFER.network };
    const shop = await openShop((request) => {
      const { headers } = demand();
      const text = Buffer.from(JSON.stringify(receipt)).toString("base64");
      return {
        status: 402,
        headers: { ...headers, ...(isPaid(request) && { "PAYMENT-RESPONSE": text }) },
      };
    });
    const buyer = openBuyer();
    for (let call = 0; call < 3; call++)
      expect(await outcomeOf(buyer.pay(shop.url))).toBeInstanceOf(PaymentUncertain);
    expect(buyer.signed).toHaveLength(1);
  });

  test("is not waited for without end, while another holds it", async () => {
    const store = memorySpendStore();
    const shop = await openShop(() => demand());
    await outcomeOf(openBuyer({ store }).pay(shop.url));
    const [spend] = await store.list();
    await store.update(spend!.id, { leaseUntilMs: Number.MAX_SAFE_INTEGER });
    const buyer = openBuyer({ store, retry: { attempts: 1, timeoutMs: 300 } });
    expect(await outcomeOf(buyer.pay(shop.url))).toMatchObject(EARLIER);
    expect(buyer.signed).toEqual([]);
  });
});

test("the chain is asked about every payment, not only the newest hundred", async () => {
  const store: SpendStore = memorySpendStore();
  const shop = await openShop((request) => (isPaid(request) ? { status: 404 } : sell()(request)));
  const buyer = openBuyer({ store });
  await Promise.all(Array.from({ length: 130 }, (_, index) => buyer.pay(`${shop.url}/${index}`)));
  expect(exposure(buyer.signed)).toBe(1_300_000n);
  const scheme = {
    scheme: "exact",
    family: "eip155",
    asset: () => undefined,
    supports: () => false,
    createPayload: () => Promise.reject(new Error("not here")),
    fate: () => Promise.resolve("void" as const),
  };
  const later = Date.now() + 3_600_000;
  expect(await reconcileSpending(store, [scheme], later)).toMatchObject({ asked: 130 });
  expect(await store.spent("total", "USD", later)).toBe(0);
});

test.each<[string, (pay: typeof fetch, url: string) => Promise<Response>]>([
  ["a Request", (pay, url) => pay(new Request(url))],
  ["a URL object", (pay, url) => pay(new URL(url))],
  ["another fragment", (pay, url) => pay(`${url}/#part`)],
  ["host and scheme in upper case", (pay, url) => pay(url.toUpperCase())],
  ["a path that goes nowhere", (pay, url) => pay(`${url}/a/..`)],
])("the same URL as %s is the same request", async (_, call) => {
  let times = 0;
  const shop = await openShop((request) =>
    isPaid(request) && ++times <= 2 ? { status: 503 } : sell()(request),
  );
  const buyer = openBuyer();
  expect(await outcomeOf(buyer.pay(shop.url))).toBeInstanceOf(PaymentUncertain);
  expect((await call(buyer.pay, shop.url)).status).toBe(200);
  expect(buyer.signed).toHaveLength(1);
});

test("a URL without its origin is paid where the page is, also after a redirect", async () => {
  const shop = await openShop((request) =>
    request.path === "/old" ? { status: 307, headers: { Location: "/new" } } : sell()(request),
  );
  vi.stubGlobal("location", { href: `${shop.url}/page` });
  const buyer = openBuyer({
    fetch: (input, init) => fetch(new URL(input as string, `${shop.url}/page`), init),
  });
  expect((await buyer.pay("old")).status).toBe(200);
  vi.unstubAllGlobals();
  expect(shop.received.filter(isPaid).map(({ path }) => path)).toEqual(["/new"]);
});

test("a 402 whose body never ends is given up", async () => {
  const server = createServer((_, response) => {
    response.writeHead(402).write('{"x402Version":1,');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { pay } = openBuyer();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await outcomeOf(pay(url))).toMatchObject({ name: "TimeoutError" });
  server.closeAllConnections();
  server.close();
});
