import { describe, expect, test } from "vitest";
import { SPEND_STEPS } from "../../../src/client/spend-store.ts";
import type { SpendScope, SpendStore } from "../../../src/client/spend-store.ts";
import { clock, dollar, LEASE_MS, spendOf } from "./world.ts";

/** What `reserve` and `spent` must do. */
export function reserveContract(stores: () => [SpendStore, SpendStore]): void {
  const spent = async (scope: SpendScope = "total", unit = "USD", seconds?: number) =>
    await stores()[1].spent(scope, unit, clock.ms, seconds);

  describe("reserve", () => {
    test("counts in total, by host and by payee, whatever the case of its address", async () => {
      const [store] = stores();
      const payTo = `0x${"aB".repeat(20)}`;
      expect(await store.reserve(spendOf({ payTo }), [])).toBeUndefined();
      expect(await spent()).toBe(300_000);
      expect(await spent("host:shop.example")).toBe(300_000);
      expect(await spent(`payee:${payTo.toLowerCase()}`)).toBe(300_000);
      expect(await spent("host:other.example")).toBe(0);
      expect(await spent("total", "EURC")).toBe(0);
      for (const { upToSeconds } of SPEND_STEPS)
        expect(await spent("total", "USD", upToSeconds)).toBe(300_000);
    });

    test("allows as much as the limit, and refuses what exceeds it", async () => {
      const [store, replica] = stores();
      const limit = dollar({ max: 600_000 });
      expect(await store.reserve(spendOf(), [limit])).toBeUndefined();
      expect(await replica.reserve(spendOf(), [limit])).toBeUndefined();
      const refused = await store.reserve(spendOf({ value: 1 }), [limit]);
      expect(refused).toEqual({ limit, spent: 600_000 });
      expect(await store.reserve(spendOf({ value: 0 }), [limit])).toBeUndefined();
      expect(await spent()).toBe(600_000);
      expect(await store.list()).toHaveLength(3);
    });

    test("holds every limit that is about the payment, and no other", async () => {
      const [store] = stores();
      const others = [
        dollar({ unit: "EURC", max: 0 }),
        dollar({ scope: "host:other.example", max: 0 }),
        dollar({ scope: "payee:0x1", max: 0 }),
      ];
      expect(await store.reserve(spendOf(), others)).toBeUndefined();
      for (const limit of [
        dollar({ scope: "host:shop.example", max: 599_999 }),
        dollar({ scope: `payee:${spendOf().payTo}`, max: 599_999, windowSeconds: 60 }),
      ]) {
        const limits = [dollar(), limit, ...others];
        expect(await store.reserve(spendOf(), limits)).toEqual({ limit, spent: 300_000 });
      }
      expect(await spent()).toBe(300_000);
    });

    test("of 100 at once exactly as many as the budget has room for", async () => {
      const both = stores();
      const asked = Array.from({ length: 100 }, async (_, i) =>
        both[i % 2]?.reserve(spendOf(), [dollar()]),
      );
      const made = (await Promise.all(asked)).filter((refusal) => refusal === undefined);
      expect(made).toHaveLength(3);
      expect(await spent()).toBe(900_000);
    });

    test.each(SPEND_STEPS)(
      "a window of $upToSeconds s counts all of itself, and at most $stepSeconds s more",
      async ({ stepSeconds, upToSeconds }) => {
        const [store] = stores();
        clock.ms += stepSeconds * 1000 - 1; // the end of a step
        await store.reserve(spendOf({ leaseUntilMs: Number.MAX_SAFE_INTEGER }), []);
        const counted = async () => await spent("total", "USD", upToSeconds);
        clock.ms += upToSeconds * 1000;
        expect(await counted()).toBe(300_000);
        clock.ms += 1;
        expect(await counted()).toBe(0);
        clock.ms += 3_600_000 - (clock.ms % 3_600_000); // the beginning of a step
        await store.reserve(spendOf(), [dollar({ max: 300_000, windowSeconds: upToSeconds })]);
        clock.ms += upToSeconds * 1000 + stepSeconds * 1000 - 1;
        expect(await counted()).toBe(300_000);
        clock.ms += 1;
        expect(await counted()).toBe(0);
        expect(await spent()).toBe(600_000);
      },
    );

    test("a pin is set with the first payment, and holds for every other", async () => {
      const [store, replica] = stores();
      const pin = (value: string) => ({ name: "https://shop.example", value });
      const refused = await store.reserve(spendOf(), [dollar({ max: 0 })], pin("0x0"));
      expect(refused).toMatchObject({ spent: 0 }); // and does not pin
      expect(await store.reserve(spendOf(), [], pin("0x1"))).toBeUndefined();
      expect(await replica.reserve(spendOf(), [], pin("0x1"))).toBeUndefined();
      expect(await replica.reserve(spendOf(), [], pin("0x2"))).toEqual({ pinned: "0x1" });
      expect(await replica.reserve(spendOf(), [], { ...pin("0x2"), name: "b" })).toBeUndefined();
      expect(await spent()).toBe(900_000);
    });

    test("what is still reserved when its lease is over, or given up, is released first", async () => {
      const [store, replica] = stores();
      const lapsing = [spendOf(), spendOf({ leaseUntilMs: 0 }), spendOf()] as const;
      await store.reserve(lapsing[0], []);
      await store.reserve(lapsing[1], []);
      const sent = lapsing[2];
      await store.reserve(sent, []);
      await store.update(sent.id, { state: "pending" });
      expect(await spent()).toBe(600_000); // the one given up was released by the next
      const kept = spendOf({ leaseUntilMs: clock.ms + LEASE_MS + 1 });
      await store.reserve(kept, []);
      expect(await spent()).toBe(900_000);
      clock.ms += LEASE_MS;
      expect(await replica.reserve(spendOf(), [dollar()])).toBeUndefined();
      expect(await spent()).toBe(900_000);
      expect(await store.update(lapsing[0].id, { state: "pending" })).toBe(false);
      expect(await store.update(kept.id, { state: "pending" })).toBe(true);
    });

    test("refuses numbers that it cannot count with, and ids that are used", async () => {
      const [store, replica] = stores();
      const used = spendOf();
      await store.reserve(used, []);
      await expect(replica.reserve(used, [])).rejects.toThrow(TypeError);
      for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
        await expect(store.reserve(spendOf({ value }), [])).rejects.toThrow(TypeError);
        await expect(store.reserve(spendOf({ leaseUntilMs: value }), [])).rejects.toThrow(
          TypeError,
        );
        await expect(store.reserve(spendOf(), [dollar({ max: value })])).rejects.toThrow(TypeError);
        await expect(store.update(used.id, { expiresAtMs: value })).rejects.toThrow(TypeError);
      }
      for (const windowSeconds of [0, -1, Number.NaN, 31 * 86_400 + 1]) {
        const limits = [dollar({ windowSeconds })];
        await expect(store.reserve(spendOf(), limits)).rejects.toThrow(TypeError);
        await expect(store.spent("total", "USD", clock.ms, windowSeconds)).rejects.toThrow(
          TypeError,
        );
      }
      expect(await spent()).toBe(300_000);
    });

    test("sums are exact as far as numbers are, and go no further", async () => {
      const [store] = stores();
      const most = Number.MAX_SAFE_INTEGER;
      const large = spendOf({ value: most - 1 });
      await store.reserve(large, [dollar({ max: most })]);
      expect(await store.reserve(spendOf({ value: 2 }), [])).toMatchObject({ spent: most - 1 });
      expect(await store.reserve(spendOf({ value: 1 }), [])).toBeUndefined();
      expect(await spent("total", "USD", 60)).toBe(most);
      await store.update(large.id, { state: "released" });
      expect(await spent()).toBe(1);
    });
  });
}
