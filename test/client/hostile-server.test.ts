import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { PaymentRejected, X402Error } from "../../src/client/index.ts";
import {
  demand,
  isPaid,
  nonceOf,
  OFFER,
  openShop,
  openWallet,
  paymentOf,
  sell,
  sellAt,
  type Reply,
} from "./shop.ts";

const base64 = (text: string | Uint8Array) => Buffer.from(text).toString("base64");
const withHeader = (value: string): Reply => ({
  status: 402,
  headers: { "PAYMENT-REQUIRED": value },
  body: "x",
});

async function refusal(reply: Reply): Promise<unknown> {
  const shop = await openShop(() => reply);
  const wallet = openWallet();
  const error: unknown = await wallet.pay(shop.url).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(X402Error);
  expect(wallet.signatures).toBe(0);
  expect(shop.received).toHaveLength(1);
  return error;
}

describe("a PAYMENT-REQUIRED that cannot be read is malformed_payment_required", () => {
  const accepting = (change: object) =>
    base64(JSON.stringify({ x402Version: 2, accepts: [{ ...OFFER, ...change }] }));
  test.each<[string, string]>([
    ["empty", ""],
    ["not base64", "pay me!"],
    ["base64url", "eyJhIjoiPz8_In0="],
    ["not UTF-8", base64(Uint8Array.from([0x22, 0xff, 0x22]))],
    ["not JSON", base64("hello")],
    ["null", base64("null")],
    ["a list", base64("[]")],
    ["v1", base64('{"x402Version":1,"accepts":[]}')],
    ["v3", base64('{"x402Version":3,"accepts":[]}')],
    ["without offers", base64('{"x402Version":2}')],
    ["offers that are no list", base64('{"x402Version":2,"accepts":{}}')],
    ["an offer that is null", base64('{"x402Version":2,"accepts":[null]}')],
    ["__proto__", base64('{"x402Version":2,"accepts":[],"__proto__":{}}')],
    ["too deep", base64(`{"x402Version":2,"accepts":[],"a":${"[".repeat(8)}${"]".repeat(8)}}`)],
    ["amount with an exponent", accepting({ amount: "1e3" })],
    ["negative amount", accepting({ amount: "-10000" })],
    ["padded amount", accepting({ amount: "010000" })],
    ["amount of 2^256", accepting({ amount: String(2n ** 256n) })],
    ["amount as a number", accepting({ amount: 10_000 })],
    ["a timeout of 0", accepting({ maxTimeoutSeconds: 0 })],
    ["a timeout with a fraction", accepting({ maxTimeoutSeconds: 0.5 })],
    ["a network with padding", accepting({ network: "eip155:084532" })],
  ])("%s", async (_, header) => {
    expect(await refusal(withHeader(header))).toMatchObject({
      code: "malformed_payment_required",
      retry: "no",
    });
  });

  test("more than 8192 characters are payload_too_large", async () => {
    expect(await refusal(withHeader("e30=".repeat(2049)))).toMatchObject({
      code: "payload_too_large",
    });
  });

  test("a v1 body with wrong fields", async () => {
    for (const accepts of [undefined, null, {}, [{ scheme: "exact" }], [null]]) {
      const body = JSON.stringify({ x402Version: 1, accepts });
      expect(await refusal({ status: 402, body })).toMatchObject({
        code: "malformed_payment_required",
      });
    }
  });
});

describe("a 402 that is not of x402 passes through, with its body to read", () => {
  const page = "<html>pay by card</html>";
  test.each<[string, string]>([
    ["nothing", ""],
    ["a page", page],
    ["a page of 200 KB", page.repeat(8000)],
    ["JSON of something else", '{"error":"subscribe"}'],
    ["JSON of 200 KB", JSON.stringify({ error: "x".repeat(200_000) })],
    ["JSON null", "null"],
    ["an unknown version in the body", '{"x402Version":7,"accepts":[]}'],
    ["the version as text", '{"x402Version":"1"}'],
    ["JSON nested too deep", "[".repeat(100) + "]".repeat(100)],
    ["JSON with a forbidden key", '{"__proto__":1}'],
  ])("%s", async (_, body) => {
    const shop = await openShop(() => ({ status: 402, body }));
    const wallet = openWallet();
    const response = await wallet.pay(shop.url);
    expect(response.status).toBe(402);
    expect(await response.text()).toBe(body);
    expect(wallet.signatures).toBe(0);
  });
});

describe("text of a server in messages", () => {
  const messageFor = async (change: object) => {
    const shop = await openShop(sellAt(change));
    const error: unknown = await openWallet()
      .pay(shop.url)
      .catch((thrown: unknown) => thrown);
    return (error as X402Error).message;
  };

  test.each<[string, string]>([
    ["line breaks", "exact\r\nINFO paid $1000"],
    ["terminal escapes", "\u001b[2J\u001b[31m"],
    ["quotes", '" on "eip155:1": paid'],
    ["delete and C1 controls", "\u007f\u009b31m\u0085"],
    ["text that runs backwards", "\u202egnp.exe\u2066"],
    ["line and paragraph separators", "a\u2028b\u2029"],
    ["characters that cannot be seen", "\u200bexact\ufeff"],
  ])("is escaped: %s", async (_, hostile) => {
    for (const change of [{ scheme: hostile }, { asset: hostile }]) {
      const message = await messageFor(change);
      expect(message).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(message).not.toContain('" on "eip155:1": paid');
    }
  });

  test("is capped", async () => {
    const message = await messageFor({
      scheme: "x".repeat(200),
      asset: "y".repeat(200),
      payTo: "z".repeat(200),
    });
    expect(message.length).toBeLessThan(400);
  });

  test("of an error field is not repeated", async () => {
    const shop = await openShop(sell({ error: "SECRET-TEXT", accepts: [] }));
    await expect(openWallet().pay(shop.url)).rejects.not.toThrow(/SECRET-TEXT/);
  });

  test("with 64 bad offers gives a message that can still be logged", async () => {
    const accepts = Array.from({ length: 20 }, () => ({
      scheme: "x",
      network: "eip155:1",
      amount: "1",
      asset: "a",
      payTo: "b",
      maxTimeoutSeconds: 1,
    }));
    const shop = await openShop(sell({ accepts }));
    const error: unknown = await openWallet()
      .pay(shop.url)
      .catch((thrown: unknown) => thrown);
    expect((error as X402Error).message.length).toBeLessThan(4000);
  });
});

test("a 402 whose body breaks off is paid all the same, and nothing is left unhandled", async () => {
  const unhandled: unknown[] = [];
  const listener = (error: unknown) => void unhandled.push(error);
  process.on("unhandledRejection", listener);
  const server = createServer((request, response) => {
    if (request.headers["payment-signature"] === undefined) {
      response.writeHead(402, { ...demand().headers, "Content-Length": "1000" });
      response.write("part", () => setTimeout(() => request.socket.destroy(), 1));
    } else response.end("the report");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const signingMs of [0, 5, 30]) {
    expect((await openWallet({ signingMs }).pay(url)).status).toBe(200);
  }
  await new Promise((done) => setTimeout(done, 20));
  process.off("unhandledRejection", listener);
  server.close();
  expect(unhandled).toEqual([]);
});

test("a server that asks for payment after payment can take one, until that has run out", async () => {
  const shop = await openShop(() => demand());
  let nowMs = Date.now();
  const wallet = openWallet({ now: () => nowMs });
  const outcome = (): Promise<unknown> => wallet.pay(shop.url).catch((thrown: unknown) => thrown);
  expect(await outcome()).toBeInstanceOf(PaymentRejected);
  expect(await outcome()).toBeInstanceOf(PaymentRejected);
  expect(await outcome()).toMatchObject({ name: "PaymentRefused", rule: "earlier_payment" });
  const nonces = shop.received.filter(isPaid).map((request) => nonceOf(paymentOf(request)));
  expect(nonces).toHaveLength(2);
  expect(new Set(nonces).size).toBe(1);

  nowMs += (OFFER.maxTimeoutSeconds + 61) * 1000;
  expect(await outcome()).toBeInstanceOf(PaymentRejected);
  const [, , later] = shop.received.filter(isPaid).map((request) => nonceOf(paymentOf(request)));
  expect(nonces).not.toContain(later);
});
