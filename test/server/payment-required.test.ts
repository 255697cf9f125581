import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeHeader, PAYMENT_REQUIRED } from "../../src/core/header.ts";
import { PaymentRequired } from "../../src/core/messages.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { createDemand } from "../../src/server/demand.ts";
import {
  demandOf,
  failedWith,
  openShop,
  paymentFor,
  presenting,
  receiptOf,
  URL_PAID,
} from "./world.ts";

const { offer } = await openShop();
const scheme = exactEvm();
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: "grapheme", maxLength: 60 }),
  fc.constantFrom("", "ü", "€", "😀", '"', "\\", "\u0000\r\n", "\ud800", "</script>", "//://?#"),
);

/** JSON has no lone surrogates, and no absent fields. */
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const utf8 = (base64: string) =>
  new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(base64, "base64"));

describe("a 402 says exactly its message", () => {
  test("whatever stands in URL, description and error", () => {
    const extras = fc.dictionary(
      text.filter((key) => key !== "__proto__"),
      text,
      { maxKeys: 3 },
    );
    fc.assert(
      fc.property(text, text, text, text, extras, (url, error, description, tag, extra) => {
        const requirements = { ...offer, extra: { ...offer.extra, ...extra } };
        const info = { description, ...(tag !== "" && { tags: [tag] }) };
        const extensions = tag === "" ? {} : { own: { tag } };
        const demand = createDemand([{ scheme, requirements }], info, extensions);
        const header = demand.header(url, error);
        expect(header).toMatch(/^[A-Za-z0-9+/]+={0,2}$/);
        expect(JSON.parse(utf8(header))).toEqual(json(demand.message(url, error)));
        const v1 = JSON.parse(demand.bodyV1(url, error));
        expect(v1).toMatchObject(
          json({ x402Version: 1, error, accepts: [{ resource: url, description }] }) as object,
        );
      }),
      { numRuns: 500 },
    );
  });

  test("of any request, in the header, as a decoder of the protocol reads it", async () => {
    const description = "Wetterbericht für München 😀";
    const shop = await openShop({}, { options: { description } });
    await fc.assert(
      fc.asyncProperty(fc.webUrl({ withQueryParameters: true }), text, async (base, query) => {
        const url = new URL(base);
        url.searchParams.set("q", query);
        const request = new Request(url);
        const header = (await shop.visit(request)).headers.get(PAYMENT_REQUIRED)!;
        const message = decodeHeader(PaymentRequired, header, "malformed_payment_required", "402");
        const named = request.url.length <= 1024 ? request.url : request.url.split("?")[0];
        expect(message.resource).toEqual({ url: named, description });
        expect(message.accepts).toEqual([offer]);
      }),
      { numRuns: 100 },
    );
  });

  test("and no more than a header holds, however long the URL", async () => {
    const shop = await openShop();
    for (const path of ["report?q=", "report/"]) {
      const url = `https://shop.example/${path}${"ü".repeat(3000)}`;
      const response = await shop.visit(new Request(url));
      expect(demandOf(response).resource!.url.length).toBeLessThanOrEqual(1024);
      expect(response.headers.get(PAYMENT_REQUIRED)!.length).toBeLessThan(8192);
    }
  });
});

describe("the URL that a 402 names, and that a payment is bound to", () => {
  const urlOf = async (options: object, url: string, headers: Record<string, string> = {}) => {
    const shop = await openShop(options);
    return demandOf(await shop.visit(new Request(url, { headers }))).resource?.url;
  };
  const INSIDE = "http://10.0.0.1:8080/report?day=1";

  test.each<[string, object, Record<string, string>, string]>([
    ["the request's own", {}, { "X-Forwarded-Host": "evil.example" }, INSIDE],
    ["baseUrl", { baseUrl: "https://a.example" }, {}, "https://a.example/report?day=1"],
    [
      "with a path",
      { baseUrl: "https://a.example/api/" },
      {},
      "https://a.example/api/report?day=1",
    ],
    [
      "baseUrl before a proxy's headers",
      { baseUrl: "https://a.example", trustForwarded: true },
      { "X-Forwarded-Host": "evil.example" },
      "https://a.example/report?day=1",
    ],
    [
      "a proxy's, where it is trusted",
      { trustForwarded: true },
      { "X-Forwarded-Host": "a.example, b.example", "X-Forwarded-Proto": "https, http" },
      "https://a.example/report?day=1",
    ],
    [
      "a proxy's protocol alone",
      { trustForwarded: true },
      { "X-Forwarded-Proto": "https" },
      "https://10.0.0.1:8080/report?day=1",
    ],
    ...["evil.example/x?", "a b", "user@evil.example", "", "[", "#"].map(
      (host): [string, object, Record<string, string>, string] => [
        `not a host that is none (${host})`,
        { trustForwarded: true },
        { "X-Forwarded-Host": host },
        INSIDE,
      ],
    ),
    [
      "not a protocol that is none",
      { trustForwarded: true },
      { "X-Forwarded-Host": "a.example", "X-Forwarded-Proto": "javascript" },
      INSIDE,
    ],
  ])("%s", async (_, options, headers, expected) => {
    expect(await urlOf(options, INSIDE, headers)).toBe(expected);
  });

  test("is the same on every server behind baseUrl", async () => {
    const shop = await openShop({ baseUrl: "https://a.example" });
    const payment = paymentFor(shop.offer);
    for (const host of ["10.0.0.1", "10.0.0.2"])
      expect((await shop.visit(presenting(payment, `http://${host}/report`))).status).toBe(200);
    expect(shop.handlerRuns).toBe(1);
  });

  test.each(["", "a.example", "ftp://a.example", "/api"])(
    "baseUrl %j is a TypeError",
    async (baseUrl) => {
      await expect(openShop({ baseUrl })).rejects.toThrow(/baseUrl/);
    },
  );

  test("of a route with a resource of its own is that", async () => {
    const shop = await openShop({}, { options: { resource: "https://a.example/all" } });
    expect(demandOf(await shop.visit(new Request(URL_PAID))).resource?.url).toBe(
      "https://a.example/all",
    );
  });
});

describe("a body of the publisher's own", () => {
  const body = { contentType: "text/plain", body: "Pay, please." };

  test.each<[unknown, string]>([
    ["Pay, please.", "Pay, please."],
    [{ please: "pay" }, '{"please":"pay"}'],
    [new TextEncoder().encode("bytes"), "bytes"],
    [null, ""],
  ])("%j stands in an unpaid 402, beside the header", async (own, sent) => {
    const unpaidResponseBody = () => Promise.resolve({ contentType: "text/plain", body: own });
    const shop = await openShop({}, { options: { unpaidResponseBody } });
    const response = await shop.visit(new Request(URL_PAID));
    expect(response.status).toBe(402);
    expect(response.headers.get("Content-Type")).toBe("text/plain");
    expect(demandOf(response).accepts).toEqual([shop.offer]);
    expect(await response.text()).toBe(sent);
  });

  test("after a settlement that failed is another one, with its receipt", async () => {
    const settlementFailedResponseBody = (
      _: unknown,
      { errorReason }: { errorReason?: string | undefined },
    ) => ({
      ...body,
      body: `failed: ${errorReason}`,
    });
    const shop = await openShop({}, { options: { settlementFailedResponseBody } });
    shop.facilitator.onSettle = () => failedWith("invalid_exact_evm_insufficient_balance");
    const response = await shop.visit();
    expect(response.status).toBe(402);
    expect(receiptOf(response).success).toBe(false);
    expect(await response.text()).toBe("failed: invalid_exact_evm_insufficient_balance");
  });

  test("that fails is 503, and never free", async () => {
    let broken = false;
    const unpaidResponseBody = () => {
      if (broken) throw new Error("secret");
      return body;
    };
    const shop = await openShop({}, { options: { unpaidResponseBody } });
    broken = true;
    const response = await shop.visit(new Request(URL_PAID));
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain("secret");
    expect(shop.handlerRuns).toBe(0);
  });
});
