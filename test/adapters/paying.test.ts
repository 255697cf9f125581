/** One behaviour for every adapter: what is asked, what is charged, and what comes of failures. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { failedWith, settled, type FakeFacilitator } from "../server/world.ts";
import { ADAPTERS, openSite, type Site } from "./sites.ts";
import { ask, buy, demandOf, payFor, presenting, presentingV1, receiptOf } from "./visit.ts";

describe.each(Object.keys(ADAPTERS))("%s", (name) => {
  let site: Site;
  let port: number;
  let facilitator: FakeFacilitator;
  beforeAll(async () => {
    site = await openSite(ADAPTERS[name]!);
    ({ port, facilitator } = site);
  });
  afterAll(() => site.close());
  afterEach(() => {
    facilitator.onVerify = () => ({
      isValid: true,
      payer: "0x857b06519E91e3A54538791bDbb0E22373e36b66",
    });
    facilitator.onSettle = settled;
  });

  /** What a visit adds to the runs of a handler and to the calls of the facilitator. */
  async function counted<T>(path: string, visit: () => Promise<T>) {
    const before = [site.runs(path), facilitator.verifies.length, facilitator.settles.length];
    const result = await visit();
    const after = [site.runs(path), facilitator.verifies.length, facilitator.settles.length];
    const [runs, verifies, settles] = after.map((count, i) => count - before[i]!);
    return { result, runs, verifies, settles };
  }

  test("unpaid: 402 with offers, and the handler does not run", async () => {
    const { result, runs, verifies } = await counted("/report", () => ask(port, "/report?day=1"));
    expect(result.status).toBe(402);
    expect(demandOf(result)).toMatchObject({
      x402Version: 2,
      resource: { url: `http://127.0.0.1:${port}/report?day=1` },
      accepts: [{ amount: "10000" }],
    });
    expect(JSON.parse(result.body)).toMatchObject({ x402Version: 1 });
    expect(result.headers["cache-control"]).toBe("no-store");
    expect(result.headers["x-handler"]).toBeUndefined();
    expect([runs, verifies]).toEqual([0, 0]);
  });

  test("paid: the handler's response with a receipt, charged once", async () => {
    const visit = await counted("/report", () => buy(port, "/report"));
    expect(visit).toMatchObject({ runs: 1, verifies: 1, settles: 1 });
    const { result } = visit;
    expect(result.status).toBe(200);
    expect(JSON.parse(result.body)).toMatchObject({
      report: 1,
      payer: expect.stringMatching(/^0x/),
    });
    expect(result.headers).toMatchObject({
      "content-type": expect.stringMatching(/^application\/json/),
      "x-handler": "yes",
      "cache-control": "private, no-store",
      vary: expect.stringContaining("PAYMENT-SIGNATURE"),
    });
    expect(receiptOf(result)).toMatchObject({ success: true });
  });

  test("the same payment again: the stored response, and nothing runs or is charged", async () => {
    const payment = await payFor(port, "/cookies");
    const first = await ask(port, "/cookies", { headers: presenting(payment) });
    const again = await counted("/cookies", () =>
      ask(port, "/cookies", { headers: presenting(payment) }),
    );
    expect(again).toMatchObject({ runs: 0, settles: 0 });
    expect(again.result.status).toBe(200);
    expect(again.result.body).toBe(first.body);
    for (const { headers } of [first, again.result])
      expect(headers["set-cookie"]).toEqual(["a=1", "b=2; Path=/"]);
  });

  test("version 1", async () => {
    const payment = await payFor(port, "/report");
    const reply = await ask(port, "/report", { headers: presentingV1(payment) });
    expect(reply.status).toBe(200);
    expect(receiptOf(reply, "x-payment-response")).toMatchObject({ network: "base-sepolia" });
  });

  test("settled before the handler, which knows the transaction", async () => {
    const visit = await counted("/before", () => buy(port, "/before"));
    expect(visit).toMatchObject({ runs: 1, settles: 1 });
    expect(visit.result.body).toBe(`0x${"7a".repeat(32)}`);
    expect(receiptOf(visit.result)).toMatchObject({ success: true });
  });

  test("POST is settled before", async () => {
    const reply = await buy(port, "/order", { method: "POST", body: "two" });
    expect([reply.status, reply.body, reply.headers.location]).toEqual([
      201,
      "ordered",
      "/orders/1",
    ]);
  });

  test("a price and a payee that depend on the request", async () => {
    const reply = await ask(port, "/priced?pages=3");
    expect(demandOf(reply).accepts).toMatchObject([
      { amount: "30000", payTo: `0x${"1".repeat(40)}` },
    ]);
    const cheap = await payFor(port, "/priced?pages=1");
    const refused = await counted("/priced", () =>
      ask(port, "/priced?pages=3", { headers: presenting(cheap) }),
    );
    expect(refused.result.status).toBe(402);
    expect(refused).toMatchObject({ runs: 0, verifies: 0 });
    expect((await buy(port, "/priced?pages=3")).status).toBe(200);
  });

  describe("what is presented is wrong", () => {
    test.each(["PAYMENT-SIGNATURE", "X-PAYMENT"])("%s is malformed: 400", async (header) => {
      const { result, runs } = await counted("/report", () =>
        ask(port, "/report", { headers: [header, "bm90IGpzb24="] }),
      );
      expect([result.status, runs]).toEqual([400, 0]);
    });

    test("both headers, or one of them twice: 400", async () => {
      const payment = await payFor(port, "/report");
      const [v2, v1] = [presenting(payment), presentingV1(payment)];
      for (const headers of [
        [...v2, ...v1],
        [...v2, ...v2],
        [...v1, ...v1],
      ]) {
        const visit = await counted("/report", () => ask(port, "/report", { headers }));
        expect(visit.result.status, headers.join()).toBe(400);
        expect(visit).toMatchObject({ runs: 0, verifies: 0 });
      }
    });

    test("the facilitator refuses it: 402 with the reason", async () => {
      facilitator.onVerify = () => ({ isValid: false, invalidReason: "insufficient_funds" });
      const visit = await counted("/report", () => buy(port, "/report"));
      expect(visit).toMatchObject({ runs: 0, settles: 0 });
      expect(visit.result.status).toBe(402);
      expect(demandOf(visit.result).error).toBe("insufficient_funds");
    });

    test("it was made for another resource: 409", async () => {
      const payment = await payFor(port, "/report");
      await ask(port, "/report", { headers: presenting(payment) });
      const visit = await counted("/cookies", () =>
        ask(port, "/cookies", { headers: presenting(payment) }),
      );
      expect([visit.result.status, visit.runs]).toEqual([409, 0]);
    });
  });

  describe("the facilitator fails", () => {
    test("it is down: 503, and the same payment is served when it is back", async () => {
      facilitator.onVerify = () => Promise.reject(new Error("down"));
      const payment = await payFor(port, "/report");
      const down = await ask(port, "/report", { headers: presenting(payment) });
      expect([down.status, down.headers["retry-after"]]).toEqual([503, "1"]);
      facilitator.onVerify = () => ({ isValid: true });
      const up = await ask(port, "/report", { headers: presenting(payment) });
      expect(up.status).toBe(200);
    });

    test("settling fails: 402, and nothing of the handler's response", async () => {
      facilitator.onSettle = () => failedWith("insufficient_funds");
      const { status, headers, body } = await buy(port, "/report");
      expect(status).toBe(402);
      expect(headers["x-handler"]).toBeUndefined();
      expect(body).not.toContain('report":1');
    });

    test("it is not known whether it was settled: 503, then the response, and one run", async () => {
      facilitator.onSettle = () => failedWith("settlement_pending", `0x${"7a".repeat(32)}`);
      const payment = await payFor(port, "/report");
      const visit = await counted("/report", async () => {
        const pending = await ask(port, "/report", { headers: presenting(payment) });
        expect(pending.status).toBe(503);
        expect(pending.headers["x-handler"]).toBeUndefined();
        facilitator.onSettle = settled;
        return ask(port, "/report", { headers: presenting(payment) });
      });
      expect([visit.result.status, visit.runs]).toEqual([200, 1]);
      expect(visit.result.headers["x-handler"]).toBe("yes");
    });
  });

  describe("the handler", () => {
    test.each([
      ["/moved", 302],
      ["/not-modified", 304],
      ["/missing", 404],
    ])("%s answers %d: sent as it is, and not charged", async (path, status) => {
      const visit = await counted(path, () => buy(port, path));
      expect(visit).toMatchObject({ runs: 1, settles: 0 });
      expect(visit.result.status).toBe(status);
      if (status === 302) expect(visit.result.headers.location).toBe("/report");
      if (status === 304) expect(visit.result.headers.etag).toBe('"1"');
      if (status === 404) expect(visit.result.body).toBe("not here");
    });

    test("throws: the app's own error page, nothing charged, and the payment can be used", async () => {
      const payment = await payFor(port, "/throws");
      for (let round = 0; round < 2; round++) {
        const visit = await counted("/throws", () =>
          ask(port, "/throws", { headers: presenting(payment) }),
        );
        expect([visit.result.status, visit.result.body]).toEqual([500, "the app's own error page"]);
        expect(visit).toMatchObject({ runs: 1, settles: 0 });
      }
      expect(site.events.at(-1)).toMatchObject({ type: "handler_failed", charged: false });
    });

    test.each(["/rejects-before", "/broken-before"])(
      "%s fails after it was charged: the same payment runs it again, and is not charged again",
      async (path) => {
        const payment = await payFor(port, path);
        const visit = await counted(path, async () => {
          const first = await ask(port, path, { headers: presenting(payment) });
          expect(first.status).toBe(500);
          return ask(port, path, { headers: presenting(payment) });
        });
        expect([visit.result.status, visit.runs, visit.settles]).toEqual([500, 2, 1]);
      },
    );

    test("has no body to send", async () => {
      const visit = await counted("/empty", () => buy(port, "/empty"));
      expect([visit.result.status, visit.result.body, visit.settles]).toEqual([204, "", 1]);
      expect(visit.result.headers["payment-response"]).toBeDefined();
    });
  });

  test("HEAD is priced as GET", async () => {
    const unpaid = await ask(port, "/report", { method: "HEAD" });
    expect([unpaid.status, unpaid.body]).toEqual([402, ""]);
    const paid = await buy(port, "/report", { method: "HEAD" });
    expect([paid.status, paid.body]).toEqual([200, ""]);
    expect(paid.headers["x-handler"]).toBe("yes");
  });
});
