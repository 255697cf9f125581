/** Responses that are written piece by piece to Node's response: backpressure, and ends before the end. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { settled } from "../server/world.ts";
import { serve, type Handler } from "./paid-server.ts";
import { ask, buy, payFor, presenting, responseTo, send } from "./visit.ts";

const drained = (res: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      res.off("drain", done).off("close", done);
      resolve();
    };
    res.on("drain", done).on("close", done);
  });

const endless =
  (counter: { written: number }): Handler =>
  async (_, res) => {
    while (!res.destroyed && !res.closed) {
      counter.written += 65_536;
      if (!res.write(Buffer.alloc(65_536))) await drained(res);
    }
  };

test("a client that does not read stops the handler", async () => {
  const counter = { written: 0 };
  const { port } = await serve(endless(counter), { settle: "before" });
  const payment = await payFor(port, "/");
  const response = await responseTo(send(port, "/", { headers: presenting(payment) }));
  let last = -1;
  while (last !== counter.written) {
    last = counter.written;
    await sleep(100);
  }
  expect(counter.written).toBeLessThan(30_000_000);
  // It goes on when the client does, and ends when the client goes.
  for (let read = 0; read < 40_000_000;) {
    const chunk = response.read() as Buffer | null;
    if (chunk === null) await once(response, "readable");
    else read += chunk.length;
  }
  expect(counter.written).toBeGreaterThan(last);
  response.destroy();
  await sleep(50);
  const stopped = counter.written;
  await sleep(50);
  expect(counter.written).toBe(stopped);
});

test("an endless response that has to be held back is an error, and not charged", async () => {
  const counter = { written: 0 };
  const { port, facilitator } = await serve(endless(counter));
  const reply = await buy(port, "/");
  expect(reply.status).toBe(500);
  expect(JSON.parse(reply.body)).toMatchObject({ code: "response_not_held" });
  expect(facilitator.settles.length).toBe(0);
  expect(counter.written).toBeLessThan(30_000_000);
});

test("a handler that fails in the middle is not charged", async () => {
  const { port, facilitator } = await serve((_, res) => {
    res.write("half");
    throw new Error("database down");
  });
  expect((await buy(port, "/")).body).not.toContain("half");
  expect(facilitator.settles.length).toBe(0);
});

test("charged before, the connection breaks in the middle, and the payment runs it again", async () => {
  let runs = 0;
  const { port, facilitator } = await serve(
    async (_, res) => {
      runs += 1;
      res.write("half");
      await sleep(20);
      if (runs === 1) throw new Error("database down");
      res.end(" and half");
    },
    { settle: "before" },
  );
  const payment = await payFor(port, "/");
  const visit = { headers: presenting(payment) };
  await expect(ask(port, "/", visit)).rejects.toThrow(/aborted|hang up/);
  const again = await ask(port, "/", visit);
  expect([again.body, runs, facilitator.settles.length]).toEqual(["half and half", 2, 1]);
});

test("a response that the handler destroys is not charged, and the payment can be used", async () => {
  let runs = 0;
  const { port, facilitator } = await serve((_, res) => {
    runs += 1;
    if (runs === 1) res.destroy();
    else res.end("text");
  });
  const payment = await payFor(port, "/");
  const visit = { headers: presenting(payment) };
  await expect(ask(port, "/", visit)).rejects.toThrow(/hang up/);
  expect([(await ask(port, "/", visit)).body, facilitator.settles.length]).toEqual(["text", 1]);
});

test("writing to a client that has gone breaks nothing", async () => {
  const errors: unknown[] = [];
  let settle = () => {};
  const { port, facilitator } = await serve(async (_, res) => {
    res.on("error", (error) => errors.push(error));
    await once(res, "close");
    res.write("a", (error) => error && errors.push(error));
    res.end("b");
    res.write("c", () => {});
    res.end();
    settle();
  });
  const payment = await payFor(port, "/");
  const outgoing = send(port, "/", { headers: presenting(payment) });
  outgoing.on("error", () => {});
  const done = new Promise<void>((resolve) => (settle = resolve));
  await sleep(50);
  outgoing.destroy();
  await done;
  await expect.poll(() => facilitator.settles.length).toBe(1);
  const again = await ask(port, "/", { headers: presenting(payment) });
  expect([again.body, errors]).toEqual(["ab", []]);
});

test("a handler that never answers a client that has gone is given up", async () => {
  let entered = () => {};
  const running = new Promise<void>((resolve) => (entered = resolve));
  let runs = 0;
  const { port, facilitator } = await serve((_, res) => {
    runs += 1;
    entered();
    if (runs > 1) res.end("text");
  });
  const headers = presenting(await payFor(port, "/"));
  const outgoing = send(port, "/", { headers });
  outgoing.on("error", () => {});
  await running;
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  try {
    outgoing.destroy();
    await expect.poll(() => vi.getTimerCount()).toBe(1);
    expect((await ask(port, "/", { headers })).status).toBe(409);
    vi.advanceTimersByTime(30_000);
  } finally {
    vi.useRealTimers();
  }
  const again = await ask(port, "/", { headers });
  expect([again.status, runs, facilitator.settles.length]).toEqual([200, 2, 1]);
});

test("a slow settlement holds back many responses at once", async () => {
  const { port, facilitator } = await serve((_, res) => res.end("text"));
  facilitator.onSettle = async (call) => {
    await sleep(100);
    return settled(call);
  };
  const replies = await Promise.all(Array.from({ length: 20 }, () => buy(port, "/")));
  expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
});
