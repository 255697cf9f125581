/** One payment, many requests, on one server and on three that share Redis. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { present, startPublisherWorld, type PublisherWorld } from "./world.ts";

let world: PublisherWorld;
beforeAll(async () => {
  world = await startPublisherWorld();
}, 60_000);
afterAll(() => world.stop());

test.each([
  [1, "/report"],
  [3, "/report"],
  [1, "/order"],
  [3, "/order"],
] as const)(
  "100 requests at once with one payment, on %i server(s), %s: one run, one transfer",
  async (count, path) => {
    const shop = world.newShop({ handlerMs: 50, leaseMs: 10_000 });
    const servers = await Promise.all(Array.from({ length: count }, () => shop.start()));
    const payment = await shop.newPayment(path === "/order" ? "upfront" : undefined);
    const replies = await Promise.all(
      Array.from({ length: 100 }, (_, index) => present(servers[index % count]!, path, payment)),
    );
    const paid = replies.filter((reply) => reply?.status === 200);
    const others = replies.filter((reply) => reply?.status !== 200);
    expect(paid.length).toBeGreaterThanOrEqual(1);
    expect(new Set(paid.map((reply) => reply?.text))).toEqual(new Set(["answer 1"]));
    expect(new Set(paid.map((reply) => reply?.receipt)).size).toBe(1);
    for (const reply of others) {
      expect(reply?.status).toBe(409);
      expect(JSON.parse(reply!.text)).toMatchObject({ code: "payment_in_flight" });
    }
    expect(await shop.runs()).toBe(1);
    expect(await shop.transfers()).toBe(1);
    const later = await present(servers.at(-1)!, path, payment);
    expect(later).toMatchObject({ status: 200, text: "answer 1" });
  },
  30_000,
);
