import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable, Stream } from "node:stream";
import axios, { AxiosError, type AxiosInstance, type CreateAxiosDefaults } from "axios";
import { privateKeyToAccount } from "viem/accounts";
import { describe, expect, onTestFinished, test } from "vitest";
import { getAxiosPaymentReceipt, wrapAxiosWithPayment } from "../../src/client/axios.ts";
import { PaymentRefused, PaymentUncertain, type WrapFetchOptions } from "../../src/client/index.ts";
import { encodeHeader } from "../../src/core/header.ts";
import { exactEvm } from "../../src/evm/index.ts";
import {
  demand,
  isPaid,
  openShop,
  openWallet,
  RECEIPT,
  sell,
  sellAt,
  type Received,
  type Shop,
  type Wallet,
} from "./shop.ts";

/** An axios instance of a shop whose requests are paid, and the wallet that pays. */
function payingAxios(
  shop: Shop,
  config: CreateAxiosDefaults = {},
  options: Partial<WrapFetchOptions> = {},
): { client: AxiosInstance; wallet: Wallet } {
  const wallet = openWallet(options);
  const client = wrapAxiosWithPayment(axios.create({ baseURL: shop.url, ...config }), wallet.pay);
  return { client, wallet };
}

const delivers =
  (body: string | Buffer, headers: Record<string, string> = {}) =>
  (request: Received) =>
    isPaid(request)
      ? { status: 200, headers: { "PAYMENT-RESPONSE": encodeHeader(RECEIPT), ...headers }, body }
      : demand();

const form = () => {
  const data = new FormData();
  data.append("name", "value");
  data.append("file", new Blob(["content"]), "file.txt");
  return data;
};

const failure = async (call: Promise<unknown>): Promise<AxiosError> => {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(axios.isAxiosError(error)).toBe(true);
  return error as AxiosError;
};

describe("an axios instance", () => {
  test("pays with one signature, and gives the response with its receipt", async () => {
    const shop = await openShop(delivers('{"report":1}', { "Content-Type": "application/json" }));
    const { client, wallet } = payingAxios(shop, { headers: { "X-Own": "1" } });

    const response = await client.get<{ report: number }>("/report", { params: { x: 1 } });

    expect(response.data).toEqual({ report: 1 });
    expect(response.status).toBe(200);
    expect(getAxiosPaymentReceipt(response)).toMatchObject(RECEIPT);
    expect(wallet.signatures).toBe(1);
    expect(shop.received.map(isPaid)).toEqual([false, true]);
    for (const { path, headers } of shop.received) {
      expect(path).toBe("/report?x=1");
      expect(headers["x-own"]).toBe("1");
    }
  });

  test("is the same one, and takes the options of wrapFetchWithPayment", async () => {
    const shop = await openShop(sellAt({ amount: "2000000" }));
    const instance = axios.create();
    const account = privateKeyToAccount(`0x${"42".repeat(32)}`);
    const schemes = [exactEvm({ account })];
    expect(wrapAxiosWithPayment(instance, { schemes })).toBe(instance);
    expect((await failure(instance.get(shop.url))).code).toBe("payment_refused");
    wrapAxiosWithPayment(instance, { schemes, maxAmount: "$2" });
    expect((await instance.get(shop.url)).data).toBe("the report");
    expect(() => wrapAxiosWithPayment(instance, { schemes: [] })).toThrow(TypeError);
  });

  test("leaves other instances as they are", async () => {
    const shop = await openShop();
    payingAxios(shop);
    expect((await failure(axios.get(shop.url))).response?.status).toBe(402);
  });

  test("runs interceptors once a call, without the payment's header", async () => {
    const shop = await openShop();
    const { client } = payingAxios(shop);
    const seen: string[] = [];
    client.interceptors.request.use((config) => {
      seen.push(`request ${config.url}`);
      config.headers.set("X-Added", "yes");
      return config;
    });
    client.interceptors.response.use((response) => {
      seen.push(`response ${response.status}`);
      expect(JSON.stringify(response.config.headers)).not.toMatch(/payment/i);
      return response;
    });
    await client.get("/report");
    expect(seen).toEqual(["request /report", "response 200"]);
    expect(shop.received.map(({ headers }) => headers["x-added"])).toEqual(["yes", "yes"]);
  });
});

describe("a body is sent twice, exactly alike:", () => {
  const large = Buffer.alloc(3 * 1024 * 1024, "abc");
  test.each<[string, () => unknown, string | Buffer]>([
    ["an object", () => ({ a: [1] }), '{"a":[1]}'],
    ["text", () => "text", "text"],
    ["a large buffer", () => large, large],
    ["a large text", () => large.toString(), large],
    ["bytes", () => new TextEncoder().encode("bytes"), "bytes"],
    ["parameters", () => new URLSearchParams({ a: "1" }), "a=1"],
    ["a blob", () => new Blob(["blob"]), "blob"],
    ["a stream", () => new Blob(["stream"]).stream(), "stream"],
    ["a stream of Node", () => Readable.from([Buffer.from("no"), Buffer.from("de")]), "node"],
  ])("%s", async (_, data, expected) => {
    const shop = await openShop();
    const { client, wallet } = payingAxios(shop);
    expect((await client.post("/report", data())).status).toBe(200);
    expect(wallet.signatures).toBe(1);
    expect(shop.received.map(isPaid)).toEqual([false, true]);
    for (const { body, method } of shop.received) {
      expect(method).toBe("POST");
      expect(body.equals(Buffer.from(expected))).toBe(true);
    }
  });

  test.each<[string, (client: AxiosInstance) => Promise<unknown>]>([
    ["a form", (client) => client.post("/report", form())],
    ["a form of an object", (client) => client.postForm("/report", Object.fromEntries(form()))],
  ])("%s", async (_, send) => {
    const shop = await openShop();
    await send(payingAxios(shop).client);
    const forms = await Promise.all(
      shop.received.map(({ body, headers }) =>
        new Response(new Uint8Array(body), {
          headers: { "Content-Type": String(headers["content-type"]) },
        }).formData(),
      ),
    );
    expect(forms).toHaveLength(2);
    for (const received of forms) {
      expect(received.get("name")).toBe("value");
      expect(await (received.get("file") as File).text()).toBe("content");
    }
  });

  test("not a stream of the old kind, as the form-data package has it", async () => {
    const shop = await openShop();
    const { client, wallet } = payingAxios(shop);
    const error = await failure(client.post("/report", new Stream()));
    expect(error.message).toMatch(/give a FormData of the platform/);
    expect(shop.received).toHaveLength(0);
    expect(wallet.signatures).toBe(0);
  });

  test("with its progress told", async () => {
    const shop = await openShop();
    const loaded: number[] = [];
    const onUploadProgress = (event: { loaded: number }) => loaded.push(event.loaded);
    await payingAxios(shop).client.post("/report", "x".repeat(1000), { onUploadProgress });
    expect(loaded.at(-1)).toBe(1000);
    expect(shop.received.map(({ body }) => body.length)).toEqual([1000, 1000]);
  });
});

describe("a response is given as asked for:", () => {
  const open = async () =>
    payingAxios(await openShop(delivers('{"a":1}', { "Content-Type": "application/json" }))).client;

  test("json, text, arraybuffer and blob", async () => {
    const client = await open();
    const get = async (responseType: "json" | "text" | "arraybuffer" | "blob") =>
      (await client.get<unknown>("/report", { responseType })).data;
    expect(await get("json")).toEqual({ a: 1 });
    expect(await get("arraybuffer")).toBeInstanceOf(ArrayBuffer);
    expect(await ((await get("blob")) as Blob).text()).toBe('{"a":1}');
    const transformResponse = (text: string) => text;
    const text = await client.get("/report", { responseType: "text", transformResponse });
    expect(text.data).toBe('{"a":1}');
  });

  test("a web stream", async () => {
    const { data } = await (await open()).get<ReadableStream>("/r", { responseType: "stream" });
    expect(await new Response(data).text()).toBe('{"a":1}');
  });
});

describe("an error is axios's own:", () => {
  test("a status that is not valid, with the response", async () => {
    const shop = await openShop((request) =>
      isPaid(request)
        ? { status: 404, headers: { "Content-Type": "application/json" }, body: '{"no":1}' }
        : demand(),
    );
    const { client } = payingAxios(shop);
    const error = await failure(client.get("/report"));
    expect(error.code).toBe(AxiosError.ERR_BAD_REQUEST);
    expect(error.response?.status).toBe(404);
    expect(error.response?.data).toEqual({ no: 1 });
    expect(getAxiosPaymentReceipt(error.response!)).toBeUndefined();
    const response = await client.get("/report", { validateStatus: (status) => status === 404 });
    expect(response.data).toEqual({ no: 1 });
  });

  test("a 402 that is no x402", async () => {
    const shop = await openShop(() => ({ status: 402, body: "by cheque only" }));
    const { client, wallet } = payingAxios(shop);
    const error = await failure(client.get("/report"));
    expect([error.response?.status, error.response?.data]).toEqual([402, "by cheque only"]);
    expect(wallet.signatures).toBe(0);
  });

  test("nothing paid: code and cause of the refusal", async () => {
    const shop = await openShop(sellAt({ amount: "1000001" }));
    const { client, wallet } = payingAxios(shop);
    const error = await failure(client.get("/report"));
    expect(error.code).toBe("payment_refused");
    expect(error.cause).toBeInstanceOf(PaymentRefused);
    expect(error.config?.url).toBe("/report");
    expect(wallet.signatures).toBe(0);
  });

  test("no connection", async () => {
    const shop = await openShop();
    const { client } = payingAxios(shop, { baseURL: "http://127.0.0.1:1" });
    expect((await failure(client.get("/report"))).code).toBe(AxiosError.ERR_NETWORK);
  });

  test("a timeout, and a signal that aborts", async () => {
    const shop = await openShop();
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    onTestFinished(() => silent.close().closeAllConnections());
    await once(silent, "listening");
    const baseURL = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const { client } = payingAxios(shop, { baseURL });
    const late = await failure(client.get("/never", { timeout: 100 }));
    expect(late.code).toBe(AxiosError.ETIMEDOUT);
    const controller = new AbortController();
    const call = failure(client.get("/never", { signal: controller.signal }));
    controller.abort();
    expect((await call).code).toBe(AxiosError.ERR_CANCELED);
  });
});

describe("redirects", () => {
  test("are followed before the payment, not where they are not to be", async () => {
    const shop = await openShop((request) =>
      request.path === "/old" ? { status: 302, headers: { Location: "/report" } } : sell()(request),
    );
    const { client, wallet } = payingAxios(shop);
    expect((await client.get("/old")).data).toBe("the report");
    expect(wallet.signatures).toBe(1);
    const error = await failure(client.get("/old", { maxRedirects: 0 }));
    expect(error.response?.status).toBe(302);
    expect(wallet.signatures).toBe(1);
  });
});

describe("an interceptor that sends a request again", () => {
  /** As axios-retry does it. */
  const retrying = (client: AxiosInstance) => {
    client.interceptors.response.use(undefined, async (error: AxiosError) => {
      if (error.cause instanceof PaymentUncertain) return await client.request(error.config!);
      throw error;
    });
  };

  test.each<[string, () => unknown]>([
    ["without a body", () => undefined],
    ["with text", () => "text"],
    ["with a form", form],
  ])("%s presents the same payment, and signs no other", async (_, data) => {
    let cut = 2;
    const shop = await openShop((request) =>
      isPaid(request) && cut-- > 0 ? null : sell()(request),
    );
    const { client, wallet } = payingAxios(shop, {}, { retry: { attempts: 1 } });
    retrying(client);
    expect((await client.post("/report", data())).data).toBe("the report");
    expect(wallet.signatures).toBe(1);
    const payments = shop.received
      .filter(isPaid)
      .map(({ headers }) => headers["payment-signature"]);
    expect(payments).toHaveLength(3);
    expect(new Set(payments).size).toBe(1);
  });
});
