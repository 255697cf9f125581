import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Spend, SpendState, SpendStore } from "../../../src/client/spend-store.ts";
import { reserveContract } from "./contract-reserve.ts";
import { takeContract } from "./contract-take.ts";
import { clock, spendOf, START_MS } from "./world.ts";
import type { SpendWorld } from "./world.ts";

/** What every spend store must do. */
export function spendContract(name: string, factory: () => Promise<SpendWorld>): void {
  describe(name, () => {
    let world: SpendWorld;
    const stores = (): [SpendStore, SpendStore] => [world.store, world.replica];
    beforeEach(async () => {
      clock.ms = START_MS;
      world = await factory();
    });
    afterEach(() => world.stop());

    const spent = async (...[scope = "total", unit = "USD", seconds]: SpentArguments) =>
      await world.replica.spent(scope, unit, clock.ms, seconds);

    reserveContract(stores);

    describe("update", () => {
      test("changes a payment, for everybody", async () => {
        const [store, replica] = stores();
        const spend = spendOf({ request: "GET a" });
        await store.reserve(spend, []);
        const payload = { list: [], none: null, nested: { empty: {} }, text: 'a"\n\u2028é' };
        const change = {
          state: "pending",
          payload,
          headers: { "payment-signature": "e30=" },
          x402Version: 2,
          expiresAtMs: clock.ms + 7,
          leaseUntilMs: clock.ms + 77,
        } as const;
        expect(await store.update(spend.id, change)).toBe(true);
        expect(await replica.list()).toEqual([{ ...spend, ...change }]);
        const { payload: _, headers: __, ...rest } = { ...spend, ...change };
        const more = { state: "paid", transaction: "0x1", reason: "none" } as const;
        expect(await replica.update(spend.id, more)).toBe(true);
        expect(await store.list()).toEqual([{ ...rest, ...more }]); // nobody needs the others any more
        expect(await spent()).toBe(300_000);
      });

      test("of what is not there changes nothing", async () => {
        const [store] = stores();
        expect(await store.update("nobody", { state: "paid" })).toBe(false);
        expect(await store.list()).toEqual([]);
      });

      test.each<SpendState>(["reserved", "pending", "answered", "delivered", "rejected", "paid"])(
        "released gives the value back once, after %s",
        async (state) => {
          const [store, replica] = stores();
          const [one, two] = [spendOf(), spendOf()];
          for (const spend of [one, two]) await store.reserve(spend, []);
          if (state !== "reserved") await store.update(one.id, { state });
          clock.ms += 5_000;
          const released = await Promise.all(
            [store, replica, store].map(
              async (at) => await at.update(one.id, { state: "released" }),
            ),
          );
          expect(released.filter(Boolean)).toHaveLength(1);
          expect(await store.update(one.id, { state: "paid" })).toBe(false);
          for (const seconds of [undefined, 60, 3_600, 86_400 * 7])
            expect(await spent("host:shop.example", "USD", seconds)).toBe(300_000);
          expect((await store.list({ states: ["released"] })).map(({ id }) => id)).toEqual([
            one.id,
          ]);
        },
      );
    });

    describe("list", () => {
      test("newest first, so many, before one, in some states", async () => {
        const [store, replica] = stores();
        const all: Spend[] = [];
        for (let i = 0; i < 7; i++) {
          all.unshift(spendOf());
          await (i % 2 ? store : replica).reserve(all[0] as Spend, []);
        }
        const ids = async (...asked: Parameters<SpendStore["list"]>) =>
          (await store.list(...asked)).map(({ id }) => all.findIndex((spend) => spend.id === id));
        expect(await store.list()).toEqual(all);
        expect(await ids({ limit: 2 })).toEqual([0, 1]);
        expect(await ids({ limit: 2, before: all[1]?.id ?? "" })).toEqual([2, 3]);
        expect(await ids({ before: all[6]?.id ?? "" })).toEqual([]);
        expect(await ids({ before: "nobody" })).toEqual([]);
        await store.update(all[2]?.id ?? "", { state: "pending" });
        await store.update(all[5]?.id ?? "", { state: "paid" });
        expect(await ids({ states: ["pending", "paid"] })).toEqual([2, 5]);
        expect(await ids({ states: ["pending", "paid"], before: all[2]?.id ?? "" })).toEqual([5]);
        expect(await ids({ states: [] })).toEqual([]);
      });
    });

    takeContract(stores);

    test("operations of one store happen in the order in which they were asked for", async () => {
      const [store] = stores();
      const spend = spendOf({ request: "GET in order" });
      const asked = [
        store.spent("total", "USD", clock.ms),
        store.reserve(spend, []),
        store.spent("total", "USD", clock.ms),
        store.update(spend.id, { state: "pending", leaseUntilMs: 0 }),
        store.take("GET in order", "bob", { nowMs: clock.ms, takeover: false }),
        store.list(),
        store.take("GET in order", "carol", { nowMs: clock.ms, takeover: true }),
      ] as const;
      const [before, , after, updated, taken, [listed], takenOver] = await Promise.all(asked);
      expect([before, after, updated]).toEqual([0, 300_000, true]);
      expect(taken).toMatchObject({ spend: { owner: "bob" } });
      expect(listed).toMatchObject({ owner: "bob" });
      expect(takenOver).toMatchObject({ spend: { owner: "carol" } });
    });

    test("a store that was closed fails", async () => {
      const [store] = stores();
      if (store.close === undefined) return;
      const reserved = store.reserve(spendOf(), []);
      await reserved;
      await store.close();
      const unavailable = { name: "X402Error", code: "ledger_unavailable" };
      await expect(store.reserve(spendOf(), [])).rejects.toMatchObject({
        ...unavailable,
        retry: "safe",
      });
      await expect(store.update("a", {})).rejects.toMatchObject({
        ...unavailable,
        retry: "unsafe",
      });
      await expect(store.list()).rejects.toMatchObject(unavailable);
    });
  });
}

type SpentArguments = [
  scope?: Parameters<SpendStore["spent"]>[0],
  unit?: string,
  windowSeconds?: number,
];
