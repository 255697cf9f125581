import { describe, expect, test, vi } from "vitest";
import { memoryClaims } from "../../src/ledger/memory-claims.ts";
import { openShop, paymentFor, presenting, receiptOf, URL_PAID, type Shop } from "./world.ts";

const encoder = new TextEncoder();

/** A body that is written by hand, piece by piece. */
function pipe(): {
  readonly response: () => Response;
  write(text: string): void;
  end(): void;
  fail(): void;
  readonly cancelled: Promise<unknown>;
} {
  let controller: ReadableStreamDefaultController<Uint8Array>;
  let tell: (reason: unknown) => void = () => undefined;
  const cancelled = new Promise((resolve) => (tell = resolve));
  const stream = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: tell,
  });
  return {
    response: () => new Response(stream, { headers: { "Content-Type": "text/event-stream" } }),
    write: (text) => controller.enqueue(encoder.encode(text)),
    end: () => controller.close(),
    fail: () => controller.error(new Error("disk failed")),
    cancelled,
  };
}

const before = () => openShop({ settle: "before" });

async function codeOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { code?: unknown }).code;
}

describe("a stream that was paid before", () => {
  test("passes piece by piece, with the receipt", async () => {
    const shop = await before();
    const source = pipe();
    shop.handler = source.response;
    const response = await shop.visit();
    expect(receiptOf(response).success).toBe(true);
    const reader = response.body!.getReader();
    for (const text of ["one", "two"]) {
      const read = reader.read();
      source.write(text);
      expect((await read).value).toEqual(encoder.encode(text));
    }
    source.end();
    expect((await reader.read()).done).toBe(true);
  });

  test("is not read further than its reader asks", async () => {
    const shop = await before();
    let pulled = 0;
    shop.handler = () =>
      new Response(
        new ReadableStream(
          {
            pull(controller) {
              pulled += 1;
              controller.enqueue(encoder.encode("x"));
            },
          },
          { highWaterMark: 0 },
        ),
      );
    const reader = (await shop.visit()).body!.getReader();
    await reader.read();
    await new Promise((done) => setTimeout(done, 10));
    expect(pulled).toBeLessThanOrEqual(2);
    await reader.cancel();
  });

  test("is stored when it turns out small, and given again without the handler", async () => {
    const shop = await before();
    const payment = paymentFor(shop.offer);
    shop.handler = () => new Response(new Blob(["the ", "report"]).stream());
    expect(await (await shop.visit(presenting(payment))).text()).toBe("the report");
    const later = await shop.visit(presenting(payment));
    expect(await later.text()).toBe("the report");
    expect(receiptOf(later).success).toBe(true);
    expect(shop.handlerRuns).toBe(1);
    expect(shop.facilitator.settles).toHaveLength(1);
  });

  test("is in flight until its end: the same payment is 409", async () => {
    const shop = await before();
    const payment = paymentFor(shop.offer);
    const source = pipe();
    shop.handler = source.response;
    const response = await shop.visit(presenting(payment));
    expect(await codeOf(await shop.visit(presenting(payment)))).toBe("payment_in_flight");
    source.end();
    await response.text();
    expect((await shop.visit(presenting(payment))).status).toBe(200);
    expect(shop.handlerRuns).toBe(1);
  });
});

/** Reads one piece, and leaves while the next one is being waited for, as clients do that lose their connection. */
async function readAndLeave(response: Response): Promise<void> {
  const reader = response.body!.getReader();
  await reader.read();
  const next = reader.read();
  await new Promise((done) => setTimeout(done, 5));
  await reader.cancel("gone");
  await next;
}

describe("a stream that the client cut off", () => {
  test("may be fetched again, for three runs at most, and is charged once", async () => {
    const shop = await before();
    const payment = paymentFor(shop.offer);
    for (let run = 1; run <= 3; run++) {
      const source = pipe();
      shop.handler = source.response;
      const response = await shop.visit(presenting(payment));
      expect(response.status).toBe(200);
      source.write("the ");
      await readAndLeave(response);
      expect(await source.cancelled).toBe("gone");
    }
    const later = await shop.visit(presenting(payment));
    expect(later.status).toBe(409);
    expect(await codeOf(later)).toBe("payment_already_used");
    expect(shop.handlerRuns).toBe(3);
    expect(shop.facilitator.settles).toHaveLength(1);
  });

  test("is never stored as if it were whole", async () => {
    const shop = await before();
    const payment = paymentFor(shop.offer);
    const source = pipe();
    shop.handler = source.response;
    const response = await shop.visit(presenting(payment));
    source.write("the ");
    await readAndLeave(response);
    shop.handler = () => new Response("the report");
    expect(await (await shop.visit(presenting(payment))).text()).toBe("the report");
  });

  test("is free to be fetched again although its source never hears of it", async () => {
    const shop = await before();
    const payment = paymentFor(shop.offer);
    shop.handler = () =>
      new Response(new ReadableStream({ cancel: () => new Promise(() => undefined) }));
    const response = await shop.visit(presenting(payment));
    void response.body!.cancel();
    await new Promise((done) => setTimeout(done, 5));
    shop.handler = () => new Response("the report");
    expect((await shop.visit(presenting(payment))).status).toBe(200);
  });
});

test("a stream that breaks off at its source is run again without a second charge", async () => {
  const shop = await before();
  const payment = paymentFor(shop.offer);
  const source = pipe();
  shop.handler = source.response;
  const response = await shop.visit(presenting(payment));
  source.write("the ");
  source.fail();
  await expect(response.text()).rejects.toThrow();
  shop.handler = () => new Response("the report");
  expect(await (await shop.visit(presenting(payment))).text()).toBe("the report");
  expect(shop.facilitator.settles).toHaveLength(1);
});

describe("a body that nobody will read does not hold its payment", () => {
  const claims = () => Object.assign(memoryClaims(), { leaseMs: 15_000 });
  const bodies: readonly [string, () => Response][] = [
    ["stream", () => new Response(new ReadableStream({}), { headers: { ETag: '"1"' } })],
    ["large body", () => new Response(new Uint8Array(2 ** 20 + 1), { headers: { ETag: '"1"' } })],
  ];

  test.each(bodies)("HEAD, with a %s", async (_, handler) => {
    const clear = vi.spyOn(globalThis, "clearInterval");
    const shop = await openShop(
      { settle: "before", claims: claims() },
      { init: { method: "HEAD" } },
    );
    shop.handler = handler;
    const payment = paymentFor(shop.offer);
    for (let visit = 0; visit < 2; visit++) {
      const response = await shop.visit(presenting(payment, URL_PAID, { method: "HEAD" }));
      expect(response.status).toBe(200);
      expect(response.headers.get("ETag")).toBe('"1"');
      expect(response.body).toBeNull();
    }
    expect(shop.handlerRuns).toBe(1);
    expect(clear).toHaveBeenCalled();
    clear.mockRestore();
  });
});

describe("settled after the handler", () => {
  async function refused(shop: Shop, handler: () => Response): Promise<void> {
    const payment = paymentFor(shop.offer);
    shop.handler = handler;
    const response = await shop.visit(presenting(payment));
    expect(response.status).toBe(500);
    expect(await codeOf(response)).toBe("response_not_held");
    expect(shop.facilitator.settles).toEqual([]);
    shop.handler = () => new Response("the report");
    expect((await shop.visit(presenting(payment))).status).toBe(200);
    expect(shop.facilitator.settles).toHaveLength(1);
  }

  test.each(["text/event-stream", "text/event-stream; charset=utf-8", "Text/Event-Stream"])(
    "a stream of events (%s) is refused, not charged, and its source told",
    async (type) => {
      let told = false;
      const stream = () => new ReadableStream({ cancel: () => void (told = true) });
      await refused(
        await openShop(),
        () => new Response(stream(), { headers: { "Content-Type": type } }),
      );
      expect(told).toBe(true);
    },
    500,
  );

  test.each<[string, () => BodyInit]>([
    ["bytes", () => new Uint8Array(101)],
    ["a stream", () => new Blob(["x".repeat(101)]).stream()],
  ])("more than maxResponseBytes of %s is refused and not charged", async (_, body) => {
    await refused(await openShop({ maxResponseBytes: 100 }), () => new Response(body()));
  });

  test("exactly maxResponseBytes is charged, and stored", async () => {
    const shop = await openShop({ maxResponseBytes: 100 });
    const payment = paymentFor(shop.offer);
    shop.handler = () => new Response("x".repeat(100));
    for (let i = 0; i < 2; i++)
      expect(await (await shop.visit(presenting(payment))).text()).toHaveLength(100);
    expect(shop.handlerRuns).toBe(1);
  });
});
