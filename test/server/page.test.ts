import { describe, expect, test } from "vitest";
import { X402Error } from "../../src/core/errors.ts";
import { encodeHeader, PAYMENT_SIGNATURE } from "../../src/core/header.ts";
import type { PaymentPayload } from "../../src/core/messages.ts";
import type { PaywallOptions, PaywallPage } from "../../src/server/index.ts";
import { lapsingClaims } from "./claim-faults.ts";
import { demandOf, openShop, paymentFor, presenting, receiptOf, URL_PAID } from "./world.ts";

const page: PaywallPage = {
  render: ({ paymentRequired }) => ({
    html: `<h1>${paymentRequired.accepts[0]?.amount}</h1>`,
    headers: { "content-security-policy": "default-src 'none'" },
  }),
  asset: ({ url }) =>
    url.endsWith("?asset") ? { status: 200, headers: {}, body: "script" } : undefined,
};
const BROWSER = { Accept: "text/html,*/*;q=0.8", "User-Agent": "Mozilla/5.0" };
const HTML = () => new Response("<p>the report", { headers: { "Content-Type": "text/html" } });

async function htmlShop(options: Partial<PaywallOptions> = {}) {
  const shop = await openShop({ page, ...options });
  shop.handler = HTML;
  return shop;
}

/** A payment with an identifier, as the page makes it. */
const named = (payment: PaymentPayload, id = "an-id-of-this-page"): PaymentPayload => ({
  ...payment,
  extensions: { "payment-identifier": { info: { required: false, id } } },
});
const byPage = (payment: PaymentPayload, url = URL_PAID) =>
  presenting(payment, url, { headers: { ...BROWSER, "X-402-PAGE": "1" } });
const reloading = (cookie: string, url = URL_PAID, init: RequestInit = {}) =>
  new Request(url, { ...init, headers: { ...BROWSER, Cookie: cookie } });
const cookieFor = (payment: PaymentPayload) => `x402-payment=${encodeHeader(payment)}`;
const pairOf = (response: Response) => response.headers.getSetCookie().at(-1)!.split(";")[0]!;

describe("a 402 is a page", () => {
  test.each<[string, RequestInit, boolean]>([
    ["a browser", { headers: BROWSER }, true],
    ["a browser's HEAD", { headers: BROWSER, method: "HEAD" }, true],
    ["a browser that posts", { headers: BROWSER, method: "POST" }, false],
    ["a browser's script", { headers: { ...BROWSER, Accept: "application/json" } }, false],
    ["a tool", { headers: { ...BROWSER, "User-Agent": "curl/8" } }, false],
    ["who says nothing", {}, false],
  ])("for %s: %#", async (_, init, isPage) => {
    const shop = await htmlShop();
    const response = await shop.visit(new Request(URL_PAID, init));
    expect(response.status).toBe(402);
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(demandOf(response).accepts).toHaveLength(1);
    expect(response.headers.get("Content-Type")).toMatch(isPage ? /^text\/html/ : /json/);
    expect(response.headers.has("Content-Security-Policy")).toBe(isPage);
    if (isPage) expect(await response.text()).toContain("<h1>10000</h1>");
  });

  test("its parts are free, and nothing else of the path is", async () => {
    const shop = await htmlShop();
    expect(await (await shop.visit(new Request(`${URL_PAID}?asset`))).text()).toBe("script");
    expect((await shop.visit(new Request(`${URL_PAID}?assets`))).status).toBe(402);
    expect(shop.handlerRuns).toBe(0);
  });
});

describe("after a page has paid", () => {
  test("a reload with its cookie shows the content, without handler, verify or charge", async () => {
    const shop = await htmlShop();
    const paid = await shop.visit(byPage(named(paymentFor(shop.offer))));
    expect(paid.headers.get("X-402-PAGE")).toBe("reload");
    const cookie = paid.headers.getSetCookie().at(-1);
    expect(cookie).toMatch(/; Path=\/report; Max-Age=360; HttpOnly; SameSite=Strict; Secure$/);
    for (let i = 0; i < 2; i++) {
      const reloaded = await shop.visit(reloading(`theme=dark; ${pairOf(paid)}`));
      expect(reloaded.status).toBe(200);
      expect(await reloaded.text()).toBe("<p>the report");
      expect(receiptOf(reloaded).success).toBe(true);
      expect(reloaded.headers.get("Cache-Control")).toBe("private, no-store");
    }
    expect(shop.handlerRuns).toBe(1);
    expect(shop.facilitator.verifies).toHaveLength(1);
  });

  test("behind a proxy the cookie is for the path and scheme that the browser sees", async () => {
    const shop = await openShop({ page, baseUrl: "https://shop.example/api" });
    shop.handler = HTML;
    const payment = paymentFor(shop.offer);
    const paid = await shop.visit(byPage(payment, "http://10.0.0.1/report"));
    expect(paid.headers.getSetCookie().at(-1)).toMatch(/; Path=\/api\/report;.*; Secure$/);
  });

  test("the handler's own cookies stay", async () => {
    const shop = await htmlShop();
    const headers = { "Content-Type": "text/html", "Set-Cookie": "session=1" };
    shop.handler = () => new Response("<p>", { headers });
    const paid = await shop.visit(byPage(paymentFor(shop.offer)));
    expect(paid.headers.getSetCookie()).toHaveLength(2);
    expect(paid.headers.getSetCookie()[0]).toBe("session=1");
  });

  test.each<[string, string, Partial<PaywallOptions>]>([
    ["a path would not come back in a cookie", "https://shop.example/a;b", {}],
    ["the response could not be stored", URL_PAID, { maxStoredBytes: 1 }],
  ])("where %s, no reload is promised", async (_, url, options) => {
    const shop = await htmlShop(options);
    const paid = await shop.visit(byPage(paymentFor(shop.offer), url));
    expect(paid.status).toBe(200);
    expect(paid.headers.get("X-402-PAGE")).toBeNull();
    expect(paid.headers.getSetCookie()).toEqual([]);
  });

  test("where storing the response failed, no reload is promised", async () => {
    const claims = lapsingClaims();
    const { write } = claims;
    claims.write = (key, token, change, how) => {
      if (change.state === "settled") throw new X402Error("ledger_unavailable", "down");
      return write(key, token, change, how);
    };
    const shop = await htmlShop({ claims });
    const paid = await shop.visit(byPage(paymentFor(shop.offer)));
    expect(paid.status).toBe(200);
    expect(paid.headers.get("X-402-PAGE")).toBeNull();
  });
});

describe("a cookie is no way around", () => {
  test("for another URL, method, signature, identifier, or a payment that is not settled: 402", async () => {
    const shop = await htmlShop();
    const payment = named(paymentFor(shop.offer));
    await shop.visit(byPage(payment));
    const forged = {
      ...payment,
      payload: { ...payment.payload, signature: `0x${"22".repeat(65)}` },
    };
    const { extensions: _, ...fromTheChain } = payment;
    for (const request of [
      reloading(cookieFor(payment), `${URL_PAID}?page=2`),
      reloading(cookieFor(payment), URL_PAID, { method: "HEAD" }),
      reloading(cookieFor(payment), URL_PAID, { method: "POST" }),
      reloading(cookieFor(forged)),
      reloading(cookieFor(fromTheChain)),
      reloading(cookieFor(named(payment, "another-identifier"))),
      reloading(cookieFor(paymentFor(shop.offer))),
    ])
      expect((await shop.visit(request)).status).toBe(402);
    expect(shop.handlerRuns).toBe(1);
    expect(shop.facilitator.settles).toHaveLength(1);
  });

  test.each(["", "=", "!", "e30=", "x".repeat(9000), encodeHeader({ x402Version: 1 })])(
    "what is no payment is left alone (%#)",
    async (value) => {
      const shop = await htmlShop();
      expect((await shop.visit(reloading(`x402-payment=${value}`))).status).toBe(402);
    },
  );

  test("without a page it is neither set nor read", async () => {
    const shop = await openShop();
    shop.handler = HTML;
    const payment = paymentFor(shop.offer);
    const paid = await shop.visit(byPage(payment));
    expect(paid.headers.getSetCookie()).toEqual([]);
    expect((await shop.visit(reloading(cookieFor(payment)))).status).toBe(402);
  });

  test("with a payment header the header counts", async () => {
    const shop = await htmlShop();
    const payment = paymentFor(shop.offer);
    await shop.visit(byPage(payment));
    const headers = { ...BROWSER, Cookie: cookieFor(payment), [PAYMENT_SIGNATURE]: "?" };
    expect((await shop.visit(new Request(URL_PAID, { headers }))).status).toBe(400);
  });

  test("while the claims cannot be reached nobody who paid is asked to pay again", async () => {
    const claims = lapsingClaims();
    const shop = await htmlShop({ claims });
    const payment = paymentFor(shop.offer);
    const paid = await shop.visit(byPage(payment));
    claims.get = () => Promise.reject(new X402Error("ledger_unavailable", "down"));
    expect((await shop.visit(reloading(pairOf(paid)))).status).toBe(503);
    expect((await shop.visit(new Request(URL_PAID, { headers: BROWSER }))).status).toBe(402);
  });
});
