import { describe, expect, test } from "vitest";
import { openShop, paymentFor, presenting, receiptOf } from "./world.ts";

describe("a handler that does not deliver is not paid", () => {
  test.each([301, 302, 303, 304, 307, 400, 401, 402, 403, 404, 409, 429, 500, 502, 503])(
    "status %i passes through and nothing is settled",
    async (status) => {
      const shop = await openShop();
      shop.handler = () =>
        new Response(status === 304 ? null : "no", { status, headers: { "X-Own": "kept" } });
      const response = await shop.visit();
      expect(response.status).toBe(status);
      expect(response.headers.get("X-Own")).toBe("kept");
      expect(response.headers.get("PAYMENT-RESPONSE")).toBeNull();
      expect(shop.facilitator.settles).toEqual([]);
    },
  );

  test("a handler that throws settles nothing, and the same payment may be tried again", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    shop.handler = () => Promise.reject(new Error("database down"));
    expect((await shop.visit(presenting(payment))).status).toBe(500);
    expect(shop.facilitator.settles).toEqual([]);
    shop.handler = () => new Response("the report");
    expect((await shop.visit(presenting(payment))).status).toBe(200);
    expect(shop.facilitator.settles).toHaveLength(1);
  });

  test("after a 500 the same payment runs the handler again", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    shop.handler = () => new Response("no", { status: 500 });
    await shop.visit(presenting(payment));
    shop.handler = () => new Response("the report");
    expect(await (await shop.visit(presenting(payment))).text()).toBe("the report");
    expect(shop.handlerRuns).toBe(2);
  });

  test("a body that breaks off settles nothing, and the payment may be tried again", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    shop.handler = () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode("the re")),
          pull: (controller) => controller.error(new Error("disk failed")),
        }),
      );
    const response = await shop.visit(presenting(payment));
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("the re");
    expect(shop.facilitator.settles).toEqual([]);
    shop.handler = () => new Response("the report");
    expect((await shop.visit(presenting(payment))).status).toBe(200);
  });
});

describe("a handler that delivers is paid, and its response kept as it is", () => {
  test.each([200, 201, 202, 203, 204, 206])("status %i", async (status) => {
    const shop = await openShop();
    shop.handler = () => new Response(status === 204 ? null : "yes", { status });
    const response = await shop.visit();
    expect(response.status).toBe(status);
    expect(await response.text()).toBe(status === 204 ? "" : "yes");
    expect(receiptOf(response).success).toBe(true);
  });

  test("bytes, content type and several cookies", async () => {
    const shop = await openShop();
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const headers = new Headers({ "Content-Type": "application/octet-stream", ETag: '"1"' });
    headers.append("Set-Cookie", "a=1; Path=/");
    headers.append("Set-Cookie", "b=2");
    shop.handler = () => new Response(bytes, { headers });
    const payment = paymentFor(shop.offer);
    for (const response of [
      await shop.visit(presenting(payment)),
      await shop.visit(presenting(payment)),
    ]) {
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
      expect(response.headers.get("Content-Type")).toBe("application/octet-stream");
      expect(response.headers.get("ETag")).toBe('"1"');
      expect(response.headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2"]);
    }
    expect(shop.handlerRuns).toBe(1);
  });

  test("nothing of it leaves before the settlement has an answer", async () => {
    const shop = await openShop();
    let resolve = (): void => undefined;
    const promise = new Promise<void>((done) => (resolve = done));
    const { onSettle } = shop.facilitator;
    shop.facilitator.onSettle = async (call) => (await promise, onSettle(call));
    let answered = false;
    const visit = shop.visit().then((response) => ((answered = true), response));
    await new Promise((done) => setTimeout(done, 20));
    expect(shop.handlerRuns).toBe(1);
    expect(answered).toBe(false);
    resolve();
    expect((await visit).status).toBe(200);
  });
});

describe("caches", () => {
  test("a paid response is private and varies by the payment headers", async () => {
    const response = await (await openShop()).visit();
    expect(response.headers.get("Cache-Control")).toBe("private, no-store");
    const vary = (response.headers.get("Vary") ?? "").toLowerCase().split(/,\s*/);
    expect(vary).toEqual(expect.arrayContaining(["payment-signature", "x-payment"]));
  });

  test("what the publisher says is kept", async () => {
    const shop = await openShop();
    shop.handler = () =>
      new Response("x", { headers: { "Cache-Control": "private, max-age=60", Vary: "Accept" } });
    const response = await shop.visit();
    expect(response.headers.get("Cache-Control")).toBe("private, max-age=60");
    expect(response.headers.get("Vary")).toMatch(/^Accept, PAYMENT-SIGNATURE/);
  });

  test("refusals are never stored", async () => {
    const shop = await openShop();
    shop.facilitator.onVerify = () => ({ isValid: false });
    expect((await shop.visit()).headers.get("Cache-Control")).toBe("no-store");
    shop.facilitator.onVerify = () => Promise.reject(new Error("down"));
    expect((await shop.visit()).headers.get("Cache-Control")).toBe("no-store");
  });
});
