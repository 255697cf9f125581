/** Answers that say nothing of what became of the payment: the next call presents the same one. */
import { privateKeyToAccount } from "viem/accounts";
import { describe, expect, test } from "vitest";
import {
  memorySpendStore,
  wrapFetchWithPayment,
  type SpendStore,
} from "../../../src/client/index.ts";
import { encodeHeader } from "../../../src/core/header.ts";
import { exactEvm } from "../../../src/evm/index.ts";
import {
  demand,
  isPaid,
  nonceOf,
  OFFER,
  openShop,
  openWallet,
  paymentOf,
  RECEIPT,
  type Received,
  type Reply,
} from "../shop.ts";

/** Takes the first payment that comes, and answers to paid requests in this order; then it delivers to that payment. */
async function openTakingShop(replies: readonly (Reply | null)[]) {
  const left = [...replies];
  let taken: string | undefined;
  const seen = new Set<string>();
  const sell = (request: Received): Reply | null => {
    if (!isPaid(request)) return demand();
    const payment = String(request.headers["payment-signature"]);
    seen.add(payment);
    taken ??= payment;
    const reply = left.shift();
    if (reply !== undefined) return reply;
    if (payment !== taken) return { status: 409, body: "used" };
    const headers = { "PAYMENT-RESPONSE": encodeHeader(RECEIPT) };
    return { status: 200, headers, body: "the report" };
  };
  return { ...(await openShop(sell)), seen };
}

const paidError = (status: number): Reply => ({
  status,
  headers: { "PAYMENT-RESPONSE": encodeHeader(RECEIPT) },
  body: "no",
});

describe.each([400, 403, 404, 410, 422, 302])("status %i", (status) => {
  test.each<[string, (Reply | null)[]]>([
    ["to the first presentation", [{ status }]],
    ["twice", [{ status }, { status }]],
    ["after a reply was lost", [null, { status }]],
    ["before a reply is lost", [{ status }, null]],
  ])("%s: the same payment gets what it paid for", async (_, replies) => {
    const shop = await openTakingShop(replies);
    const wallet = openWallet({ store: memorySpendStore() });
    let text: string | undefined;
    for (let call = 0; call < 4 && text === undefined; call++) {
      const response = await wallet.pay(shop.url, { redirect: "manual" });
      if (response.status === 200) text = await response.text();
    }
    expect(text).toBe("the report");
    expect(wallet.signatures).toBe(1);
    expect(shop.seen.size).toBe(1);
  });
});

test.each([400, 404])(
  "status %i with a receipt is paid, and the next call gets the content for it",
  async (status) => {
    const shop = await openTakingShop([paidError(status)]);
    const wallet = openWallet({ store: memorySpendStore() });
    expect((await wallet.pay(shop.url)).status).toBe(status);
    expect(await (await wallet.pay(shop.url)).text()).toBe("the report");
    expect(wallet.signatures).toBe(1);
    // What is finished is finished, and the next one is a purchase of its own.
    await wallet.pay(shop.url).catch(() => undefined);
    expect(wallet.signatures).toBe(2);
  },
);

test("what was answered with an error, and refused then, is replaced by one with the same nonce", async () => {
  const replies: Reply[] = [{ status: 404 }, demand({ error: "expired" })];
  const nonces = new Set<string>();
  const shop = await openShop((request) => {
    if (!isPaid(request)) return demand();
    nonces.add(nonceOf(paymentOf(request)));
    return replies.shift() ?? { status: 200, body: "the report" };
  });
  const wallet = openWallet({ store: memorySpendStore() });
  expect((await wallet.pay(shop.url)).status).toBe(404);
  expect(await (await wallet.pay(shop.url)).text()).toBe("the report");
  expect(wallet.signatures).toBe(2);
  expect(nonces.size).toBe(1);
});

test("what was answered with an error is replaced where another version is asked for now", async () => {
  const { network: _, amount, ...terms } = OFFER;
  const told = { resource: "r", description: "", mimeType: "", maxAmountRequired: amount };
  const accepts = [{ ...terms, ...told, network: "base-sepolia" }];
  const v1: Reply = { status: 402, body: JSON.stringify({ x402Version: 1, accepts }) };
  const asked = [v1, demand()];
  const shop = await openShop((request) => {
    if (request.headers["x-payment"] !== undefined) return { status: 400 };
    return isPaid(request) ? { status: 200, body: "the report" } : asked.shift()!;
  });
  const wallet = openWallet({ store: memorySpendStore() });
  expect((await wallet.pay(shop.url)).status).toBe(400);
  expect(await (await wallet.pay(shop.url)).text()).toBe("the report");
  expect(wallet.signatures).toBe(2);
});

/** A store that takes its time to write, and does one thing after the other. */
function slowStore(): SpendStore {
  const store = memorySpendStore();
  const wait = () => new Promise((resolve) => setTimeout(resolve, 30));
  return {
    ...store,
    async update(...args) {
      await wait();
      return await store.update(...args);
    },
  };
}

test.each([false, true])(
  "how a stream ended (cut: %s) is written down before its reader hears of it",
  async (cut) => {
    const chunks = [new Uint8Array(9), new Uint8Array(9)];
    const body = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          const chunk = chunks.shift();
          if (chunk !== undefined) controller.enqueue(chunk);
          else if (cut) controller.error(new Error("cut"));
          else controller.close();
        },
      });
    const headers = { "PAYMENT-RESPONSE": encodeHeader(RECEIPT) };
    const store = slowStore();
    const pay = wrapFetchWithPayment(
      async (_, init) =>
        new Headers(init?.headers).has("PAYMENT-SIGNATURE")
          ? new Response(body(), { headers })
          : new Response(null, { ...demand() }),
      { schemes: [exactEvm({ account: privateKeyToAccount(`0x${"42".repeat(32)}`) })], store },
    );
    const response = await pay("https://shop.example/report");
    const end = await response.arrayBuffer().then(
      () => "whole",
      () => "cut",
    );
    expect(end).toBe(cut ? "cut" : "whole");
    expect(await store.list()).toMatchObject([
      { state: cut ? "pending" : "paid", leaseUntilMs: 0 },
    ]);
  },
);
