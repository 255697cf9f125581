import { describe, expect, test, vi } from "vitest";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { limitConcurrency, memorySpendStore, spendPolicy } from "../../../src/client/index.ts";
import { encodeHeader } from "../../../src/core/header.ts";
import { demand, isPaid, openShop, RECEIPT, sell } from "../shop.ts";
import { openBuyer, outcomeOf, type BuyerOptions } from "./meter.ts";

const never = () => new Promise<never>(() => {});
const enough = new Error("enough");

/** A call that is aborted at a certain moment; the moment is what `options` makes of `abort`. */
async function abortAt(options: (abort: () => void) => BuyerOptions) {
  const controller = new AbortController();
  const abort = () => controller.abort(enough);
  const store = memorySpendStore();
  const buyer = openBuyer({ store, ...options(abort) });
  const shop = await openShop();
  const outcome = await outcomeOf(buyer.pay(shop.url, { signal: controller.signal }));
  return { outcome, buyer, shop, store, spent: await store.spent("total", "USD", Date.now()) };
}

describe("a call that is aborted before anything is signed reserves nothing, and signs nothing", () => {
  test.each<[string, (abort: () => void) => BuyerOptions]>([
    [
      "while confirm asks",
      (abort) => ({ policy: spendPolicy({ confirm: { ask: () => (abort(), never()) } }) }),
    ],
    [
      "while confirm answers yes",
      (abort) => ({ policy: spendPolicy({ confirm: { ask: () => (abort(), true) } }) }),
    ],
    ["while select chooses", (abort) => ({ select: () => (abort(), never()) })],
    ["while select has chosen", (abort) => ({ select: ([first]) => (abort(), first) })],
    ["while the signer hangs", (abort) => ({ onSign: () => (abort(), never()) })],
    [
      "while it waits for a place",
      (abort) => ({ concurrency: { ...limitConcurrency({}), enter: () => (abort(), never()) } }),
    ],
    [
      "when it gets its place",
      (abort) => ({
        concurrency: { ...limitConcurrency({}), enter: () => (abort(), Promise.resolve(() => {})) },
      }),
    ],
    [
      "while the store reserves",
      (abort) => {
        const store = memorySpendStore();
        return {
          store: {
            ...store,
            reserve: async (...args) => (abort(), await store.reserve(...args)),
          },
        };
      },
    ],
  ])("%s", async (_, options) => {
    const { outcome, buyer, spent, shop } = await abortAt(options);
    expect(outcome).toBe(enough);
    expect(buyer.signed).toEqual([]);
    expect(spent).toBe(0);
    expect(shop.received.filter(isPaid)).toEqual([]);
  });
});

test("a call that is aborted when it has signed sends nothing, and the next call sends it", async () => {
  const controller = new AbortController();
  const store = memorySpendStore();
  const shop = await openShop();
  const buyer = openBuyer({
    store: {
      ...store,
      update: async (...args) => (controller.abort(enough), await store.update(...args)),
    },
  });
  expect(await outcomeOf(buyer.pay(shop.url, { signal: controller.signal }))).toBe(enough);
  expect(shop.received.filter(isPaid)).toEqual([]);
  expect((await buyer.pay(shop.url)).status).toBe(200);
  expect(buyer.signed).toHaveLength(1);
});

test("a place that comes after the abort is left again", async () => {
  const concurrency = limitConcurrency({ total: 1 });
  const leave = await concurrency.enter("elsewhere");
  const controller = new AbortController();
  const shop = await openShop();
  const { pay } = openBuyer({ concurrency });
  const call = outcomeOf(pay(shop.url, { signal: controller.signal }));
  await vi.waitFor(() => expect(shop.received).toHaveLength(1));
  await sleep(10);
  controller.abort(enough);
  expect(await call).toBe(enough);
  leave();
  expect((await pay(shop.url)).status).toBe(200);
});

test("a signature that comes after the abort is dropped, and counts no more", async () => {
  let sign = () => {};
  const signer = new Promise<void>((resolve) => (sign = resolve));
  const { outcome, buyer, store, shop } = await abortAt((abort) => ({
    onSign: () => (abort(), signer),
  }));
  expect(outcome).toBe(enough);
  sign();
  await vi.waitFor(() => expect(buyer.signed).toHaveLength(1));
  await sleep(20);
  expect(await store.spent("total", "USD", Date.now())).toBe(0);
  expect(shop.received.filter(isPaid)).toEqual([]);
});

describe("a stream that is aborted", () => {
  const openStream = async () => {
    let paid = 0;
    const server = createServer((request, response) => {
      if (request.headers["payment-signature"] === undefined) {
        response.writeHead(402, demand().headers).end();
        return;
      }
      paid += 1;
      response.writeHead(200, { "PAYMENT-RESPONSE": encodeHeader(RECEIPT) });
      response.write("first");
      if (paid > 1) response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    return {
      url: `http://127.0.0.1:${port}`,
      close() {
        server.close();
        server.closeAllConnections();
      },
    };
  };

  test.each(["unread", "half read"])("%s, is presented again by the next call", async (how) => {
    const shop = await openStream();
    const controller = new AbortController();
    const buyer = openBuyer({ store: memorySpendStore() });
    const response = await buyer.pay(shop.url, { signal: controller.signal });
    if (how === "half read") await response.body?.getReader().read();
    controller.abort(enough);
    await sleep(20);
    expect(await (await buyer.pay(shop.url)).text()).toBe("first");
    expect(buyer.signed).toHaveLength(1);
    shop.close();
  });

  test("or never read keeps others from the same request no longer than an answer may take", async () => {
    const shop = await openStream();
    const store = memorySpendStore();
    let nowMs = Date.now();
    const options = { store, now: () => nowMs, retry: { attempts: 1, timeoutMs: 200 } };
    const [one, other] = [openBuyer(options), openBuyer(options)];
    expect((await one.pay(shop.url)).status).toBe(200);
    expect(await outcomeOf(other.pay(shop.url))).toMatchObject({ rule: "earlier_payment" });
    nowMs += 201;
    expect((await other.pay(shop.url)).status).toBe(200);
    expect([...one.signed, ...other.signed]).toHaveLength(1);
    shop.close();
  });

  test("after its end changes nothing", async () => {
    const shop = await openShop(sell());
    const controller = new AbortController();
    const store = memorySpendStore();
    const response = await openBuyer({ store }).pay(shop.url, { signal: controller.signal });
    expect(await response.text()).toBe("the report");
    controller.abort(enough);
    expect(await store.list({ states: ["paid"] })).toHaveLength(1);
  });
});
