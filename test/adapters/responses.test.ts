/** One behaviour for every adapter: what leaves, and when. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { PAYER, settled, type FakeFacilitator } from "../server/world.ts";
import { LARGE, latch, PIECES } from "./scenarios.ts";
import { ADAPTERS, openSite, type Site } from "./sites.ts";
import { ask, buy, payFor, presenting, receiptOf, responseTo, send } from "./visit.ts";

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
    facilitator.onVerify = () => ({ isValid: true, payer: PAYER });
    facilitator.onSettle = settled;
    latch.open();
  });

  test("nothing of the response leaves before it is settled, and then all of it", async () => {
    for (const path of ["/report", "/pieces"]) {
      let settle = () => {};
      const settling = new Promise<void>((reached) => {
        facilitator.onSettle = async (call) => {
          reached();
          await new Promise<void>((resolve) => (settle = resolve));
          return settled(call);
        };
      });
      const payment = await payFor(port, path);
      const outgoing = send(port, path, { headers: presenting(payment) });
      const response = responseTo(outgoing);
      let arrived = 0;
      outgoing.once("socket", (socket) => socket.on("data", ({ length }) => (arrived += length)));
      await settling;
      await sleep(20);
      expect(arrived).toBe(0);
      settle();
      const { statusCode } = await response.then((each) => each.resume());
      expect([path, statusCode]).toEqual([path, 200]);
    }
  });

  test("a response that is written piece by piece", async () => {
    const { status, body, headers } = await buy(port, "/pieces");
    expect([status, body]).toEqual([200, PIECES.join("")]);
    expect(headers["content-type"]).toMatch(/^text\/plain/);
  });

  test("a large response, and again", async () => {
    const payment = await payFor(port, "/large");
    const reply = await ask(port, "/large", { headers: presenting(payment) });
    expect(reply.status).toBe(200);
    expect(reply.bytes.equals(LARGE)).toBe(true);
    const again = await ask(port, "/large", { headers: presenting(payment) });
    expect([again.status, site.runs("/large")]).toEqual([409, 1]);
  });

  test("settled before, events arrive one by one", async () => {
    const payment = await payFor(port, "/events");
    const waiting = latch.close();
    const response = await responseTo(send(port, "/events", { headers: presenting(payment) }));
    expect(response.headers["content-type"]).toBe("text/event-stream");
    const seen: string[] = [];
    response.on("data", (chunk: Buffer) => seen.push(chunk.toString()));
    await waiting;
    await expect.poll(() => seen.join("")).toBe(PIECES[0]! + PIECES[1]!);
    latch.open();
    await once(response, "end");
    expect(seen.join("")).toBe(PIECES.join(""));
    const again = await ask(port, "/events", { headers: presenting(payment) });
    expect([again.body, site.runs("/events")]).toEqual([PIECES.join(""), 1]);
    expect(receiptOf(again)).toMatchObject({ success: true });
  });

  test("settled after, events are an error that says so, and not charged", async () => {
    const before = facilitator.settles.length;
    const reply = await buy(port, "/events-after");
    expect(reply.status).toBe(500);
    expect(JSON.parse(reply.body)).toMatchObject({
      code: "response_not_held",
      detail: expect.stringContaining("settle this route before"),
    });
    expect(facilitator.settles.length).toBe(before);
  });

  test("two requests with one payment at the same time: one runs, the other is told to wait", async () => {
    const before = [site.runs("/slow"), facilitator.settles.length];
    const payment = await payFor(port, "/slow");
    const entered = latch.close();
    const first = ask(port, "/slow", { headers: presenting(payment) });
    await entered;
    const second = await ask(port, "/slow", { headers: presenting(payment) });
    expect([second.status, second.headers["retry-after"]]).toEqual([409, "1"]);
    latch.open();
    const { status, body } = await first;
    expect([status, body]).toEqual([200, "slow"]);
    expect([site.runs("/slow"), facilitator.settles.length]).toEqual(before.map((n) => n + 1));
  });

  describe("the client goes away", () => {
    test("before the handler: the payment can be presented again, and is charged once", async () => {
      const before = facilitator.settles.length;
      let verify = () => {};
      const verifying = new Promise<void>((reached) => {
        facilitator.onVerify = async () => {
          reached();
          await new Promise<void>((resolve) => (verify = resolve));
          return { isValid: true, payer: PAYER };
        };
      });
      const payment = await payFor(port, "/report");
      const outgoing = send(port, "/report", { headers: presenting(payment) });
      outgoing.on("error", () => {});
      await verifying;
      outgoing.destroy();
      await sleep(20);
      facilitator.onVerify = () => ({ isValid: true, payer: PAYER });
      verify();
      await sleep(20);
      const again = await ask(port, "/report", { headers: presenting(payment) });
      expect([again.status, facilitator.settles.length - before]).toEqual([200, 1]);
    });

    test("while the handler runs: it is settled, and the payment fetches the response", async () => {
      const before = [site.runs("/slow"), facilitator.settles.length];
      const payment = await payFor(port, "/slow");
      const entered = latch.close();
      const outgoing = send(port, "/slow", { headers: presenting(payment) });
      outgoing.on("error", () => {});
      await entered;
      outgoing.destroy();
      await sleep(20);
      latch.open();
      await expect.poll(() => facilitator.settles.length).toBe(before[1]! + 1);
      const again = await ask(port, "/slow", { headers: presenting(payment) });
      expect([again.status, again.body]).toEqual([200, "slow"]);
      expect([site.runs("/slow"), facilitator.settles.length]).toEqual(before.map((n) => n + 1));
    });

    test("in the middle of a stream: the payment has it again, and is not charged again", async () => {
      const before = [site.runs("/events"), facilitator.settles.length];
      const payment = await payFor(port, "/events");
      const waiting = latch.close();
      const outgoing = send(port, "/events", { headers: presenting(payment) });
      const response = await responseTo(outgoing);
      response.on("error", () => {}).resume();
      await waiting;
      outgoing.destroy();
      await sleep(20);
      latch.open();
      let reply = await ask(port, "/events", { headers: presenting(payment) });
      for (let tries = 0; reply.status === 409 && tries < 50; tries++) {
        await sleep(20);
        reply = await ask(port, "/events", { headers: presenting(payment) });
      }
      expect([reply.status, reply.body]).toEqual([200, PIECES.join("")]);
      expect([site.runs("/events"), facilitator.settles.length]).toEqual([
        before[0]! + 2,
        before[1]! + 1,
      ]);
    });
  });
});
