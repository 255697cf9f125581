import { describe, expect, test } from "vitest";
import {
  getPaymentReceipt,
  PaymentRejected,
  PaymentUncertain,
  wrapFetchWithPayment,
} from "../../src/client/index.ts";
import { encodeHeader } from "../../src/core/header.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { exactEvm } from "../../src/evm/index.ts";
import {
  demand,
  isPaid,
  OFFER,
  openShop,
  openWallet,
  paymentOf,
  RECEIPT,
  sell,
  sellAt,
  type Reply,
} from "./shop.ts";

describe("a response that is not 402", () => {
  test("is the very object that fetch gave, for a request sent just as it was", async () => {
    const calls: Parameters<typeof fetch>[] = [];
    const given = new Response("free");
    const base: typeof fetch = (...args) => (calls.push(args), Promise.resolve(given));
    const pay = wrapFetchWithPayment(base, { schemes: [exactEvm()] });
    const init = { method: "PUT", headers: { "X-Own": "1" }, body: "text" };
    expect(await pay("https://example.com/x", init)).toBe(given);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.[0]).toBe("https://example.com/x");
    expect(calls[0]?.[1]).toMatchObject(init);
  });

  test.each([200, 204, 304, 400, 401, 403, 404, 500, 503])(
    "of status %i is not paid",
    async (status) => {
      const shop = await openShop(() => ({
        status,
        headers: { "X-Own": "1", ...demand().headers },
      }));
      const wallet = openWallet();
      const response = await wallet.pay(shop.url);
      expect(response.status).toBe(status);
      expect(response.headers.get("X-Own")).toBe("1");
      expect(wallet.signatures).toBe(0);
      expect(shop.received).toHaveLength(1);
    },
  );

  test("an error of fetch is thrown as it is", async () => {
    const error = new TypeError("fetch failed");
    const pay = wrapFetchWithPayment(() => Promise.reject(error), { schemes: [exactEvm()] });
    await expect(pay("https://example.com")).rejects.toBe(error);
  });
});

describe("a 402", () => {
  test("is paid with one signature, and the answer returned with its receipt", async () => {
    const shop = await openShop();
    const wallet = openWallet();
    const response = await wallet.pay(`${shop.url}/report?x=1`, { headers: { "X-Own": "1" } });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("the report");
    expect(getPaymentReceipt(response)).toMatchObject(RECEIPT);
    expect(wallet.signatures).toBe(1);
    expect(shop.received.map(isPaid)).toEqual([false, true]);
    expect(shop.received[1]).toMatchObject({
      method: "GET",
      path: "/report?x=1",
      headers: { "x-own": "1" },
    });
  });

  test("is paid with what a facilitator accepts", async () => {
    const shop = await openShop();
    await openWallet().pay(shop.url);
    const payment = paymentOf(shop.received[1]!);
    const scheme = exactEvmFacilitator();
    const checked = scheme.check(payment, OFFER, Math.floor(Date.now() / 1000));
    if (!("payment" in checked)) throw new Error(checked.reason);
    const noChain = {
      call: () => Promise.reject(new Error()),
      code: () => Promise.reject(new Error()),
    };
    expect(await scheme.verifySignature(checked.payment, noChain)).toBeUndefined();
  });

  test("is answered with the offer verbatim, the resource and the extensions", async () => {
    const offer = { ...OFFER, unheardOf: { a: [1] }, extra: { ...OFFER.extra, more: "x" } };
    const extensions = { bazaar: { info: { a: 1 }, schema: {} } };
    const resource = { url: "https://shop.example/report", description: "A report", tags: ["a"] };
    const shop = await openShop(sell({ accepts: [offer], extensions, resource }));
    await openWallet().pay(shop.url);
    expect(paymentOf(shop.received[1]!)).toMatchObject({
      x402Version: 2,
      accepted: offer,
      extensions,
      resource,
    });
  });

  test("is given an identifier of its own where one is declared", async () => {
    const info = { required: true };
    const extensions = { "payment-identifier": { info, schema: { type: "object" } } };
    const shop = await openShop(sell({ extensions }));
    const { pay } = openWallet();
    await pay(shop.url);
    await pay(shop.url);
    const ids = [1, 3].map((index) => {
      const echoed = paymentOf(shop.received[index]!).extensions;
      expect(echoed).toMatchObject(extensions);
      return (echoed as { "payment-identifier": { info: { id: string } } })["payment-identifier"]
        .info.id;
    });
    expect(ids[0]).toMatch(/^[A-Za-z0-9_-]{16,128}$/);
    expect(ids[0]).not.toBe(ids[1]);
  });

  test("of v1, in the body, is paid in X-PAYMENT", async () => {
    const { amount, network: _, ...terms } = OFFER;
    const accepts = [
      {
        ...terms,
        network: "base-sepolia",
        maxAmountRequired: amount,
        resource: "r",
        description: "",
        mimeType: "",
      },
    ];
    const body = JSON.stringify({ x402Version: 1, error: "pay", accepts });
    const shop = await openShop((request) =>
      isPaid(request) ? { status: 200 } : { status: 402, body },
    );
    const wallet = openWallet();
    expect((await wallet.pay(shop.url)).status).toBe(200);
    const [, paid] = shop.received;
    expect(paid?.headers["payment-signature"]).toBeUndefined();
    const payment: unknown = JSON.parse(
      Buffer.from(String(paid?.headers["x-payment"]), "base64").toString(),
    );
    expect(payment).toMatchObject({ x402Version: 1, scheme: "exact", network: "base-sepolia" });
  });

  test("of both versions is paid in v2", async () => {
    const body = JSON.stringify({ x402Version: 1, accepts: [] });
    const shop = await openShop((request) =>
      isPaid(request) ? { status: 200 } : { ...demand(), body },
    );
    await openWallet().pay(shop.url);
    expect(shop.received[1]?.headers["payment-signature"]).toBeDefined();
    expect(shop.received[1]?.headers["x-payment"]).toBeUndefined();
  });

  test("of many calls at once is paid by each with a nonce of its own", async () => {
    const shop = await openShop();
    const wallet = openWallet();
    await Promise.all(Array.from({ length: 10 }, () => wallet.pay(shop.url)));
    const nonces = shop.received
      .filter(isPaid)
      .map((request) => JSON.stringify(paymentOf(request).payload));
    expect(new Set(nonces).size).toBe(10);
    expect(wallet.signatures).toBe(10);
  });
});

describe("after the payment was sent nothing more is signed", () => {
  test("a 402 is PaymentRejected, with the answer", async () => {
    const shop = await openShop((request) =>
      isPaid(request) ? { ...demand({ error: "insufficient_funds" }), body: "no" } : demand(),
    );
    const wallet = openWallet();
    const error: unknown = await wallet.pay(shop.url).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PaymentRejected);
    const { reply, code, retry } = error as PaymentRejected;
    expect({ code, retry }).toEqual({ code: "payment_rejected", retry: "no" });
    expect(reply.reason).toBe('"insufficient_funds"');
    expect(await reply.response?.text()).toBe("no");
    expect(wallet.signatures).toBe(1);
    expect(shop.received).toHaveLength(2);
  });

  test.each([400, 404, 412])("status %i is returned", async (status) => {
    const shop = await openShop((request) =>
      isPaid(request) ? { ...demand(), status, body: "no" } : demand(),
    );
    const wallet = openWallet();
    const response = await wallet.pay(shop.url);
    expect(response.status).toBe(status);
    expect(await response.text()).toBe("no");
    expect(wallet.signatures).toBe(1);
    expect(shop.received).toHaveLength(2);
  });

  const unclear: [string, () => Reply | null][] = [
    ...[408, 409, 425, 429, 500, 502, 503].map((status): [string, () => Reply] => [
      `status ${status}`,
      () => ({ ...demand(), status, body: "no" }),
    ]),
    ["a cut connection", () => null],
    [
      "a settlement that is pending",
      () => ({
        status: 402,
        headers: {
          "PAYMENT-RESPONSE": encodeHeader({
            ...RECEIPT,
            success: false,
            errorReason: "settlement_pending",
          }),
        },
      }),
    ],
    [
      "a receipt that cannot be read",
      () => ({ status: 402, headers: { "PAYMENT-RESPONSE": "!" } }),
    ],
  ];

  test.each(unclear)("%s is PaymentUncertain, after the same payment came again", async (_, no) => {
    const shop = await openShop((request) => (isPaid(request) ? no() : demand()));
    const wallet = openWallet();
    const error: unknown = await wallet.pay(shop.url).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PaymentUncertain);
    expect(error).toMatchObject({ code: "payment_uncertain", retry: "unsafe" });
    const { message, reply } = error as PaymentUncertain;
    expect(message).toContain(`(${reply.why})`);
    expect(wallet.signatures).toBe(1);
    const paid = shop.received.filter(isPaid).map(({ headers }) => headers["payment-signature"]);
    expect(paid).toHaveLength(2);
    expect(new Set(paid).size).toBe(1);
  });

  test.each(unclear)("%s, once, costs nothing more, and the answer comes", async (_, no) => {
    let times = 0;
    const shop = await openShop((request) =>
      isPaid(request) && ++times === 1 ? no() : sell()(request),
    );
    const wallet = openWallet();
    expect(await (await wallet.pay(shop.url)).text()).toBe("the report");
    expect(wallet.signatures).toBe(1);
  });

  test.each(unclear)("%s: the next call presents the same payment", async (_, no) => {
    let times = 0;
    const shop = await openShop((request) =>
      isPaid(request) && ++times <= 2 ? no() : sell()(request),
    );
    const wallet = openWallet();
    await expect(wallet.pay(shop.url)).rejects.toThrow(PaymentUncertain);
    expect(await (await wallet.pay(shop.url)).text()).toBe("the report");
    expect(wallet.signatures).toBe(1);
    const paid = shop.received.filter(isPaid).map(({ headers }) => headers["payment-signature"]);
    expect(new Set(paid).size).toBe(1);
    // What is finished is finished: the next one is a purchase of its own.
    await wallet.pay(shop.url);
    expect(wallet.signatures).toBe(2);
  });

  test("Retry-After is honoured, up to maxWaitMs", async () => {
    const times: number[] = [];
    const busy = (seconds: string) => async () => {
      times.length = 0;
      const shop = await openShop((request) => {
        if (!isPaid(request)) return demand();
        times.push(performance.now());
        return times.length === 1
          ? { status: 503, headers: { "Retry-After": seconds } }
          : sell()(request);
      });
      return await openWallet({ retry: { attempts: 2, maxWaitMs: 2000 } }).pay(shop.url);
    };
    await busy("1")();
    expect(times[1]! - times[0]!).toBeGreaterThan(990);
    await expect(busy("3")()).rejects.toThrow(PaymentUncertain);
    expect(times).toHaveLength(1);
  });

  test("what the caller aborts is the caller's error, and the payment is kept", async () => {
    let times = 0;
    const abort = new AbortController();
    const shop = await openShop((request) => {
      if (isPaid(request) && ++times === 1) {
        abort.abort(new Error("enough"));
        return { status: 503 };
      }
      return sell()(request);
    });
    const wallet = openWallet();
    await expect(wallet.pay(shop.url, { signal: abort.signal })).rejects.toThrow("enough");
    expect((await wallet.pay(shop.url)).status).toBe(200);
    expect(wallet.signatures).toBe(1);
  });
});

describe("the lifetime of a payment", () => {
  const validBefore = async (shopAsks: number, maxLifetimeSeconds?: number) => {
    const shop = await openShop(sellAt({ maxTimeoutSeconds: shopAsks }));
    const limit = maxLifetimeSeconds === undefined ? {} : { maxLifetimeSeconds };
    await openWallet({ now: () => 1_800_000_000_999, ...limit }).pay(shop.url);
    const { authorization } = paymentOf(shop.received[1]!).payload as {
      authorization: Record<string, string>;
    };
    return Number(authorization["validBefore"]) - 1_800_000_000;
  };

  test("is what the server asks for, but an hour at most", async () => {
    expect(await validBefore(60)).toBe(60);
    expect(await validBefore(3600)).toBe(3600);
    expect(await validBefore(1_000_000)).toBe(3600);
    expect(await validBefore(Number.MAX_SAFE_INTEGER)).toBe(3600);
  });

  test("can be limited further", async () => {
    expect(await validBefore(3600, 30)).toBe(30);
  });
});
