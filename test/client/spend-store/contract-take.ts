import { describe, expect, test } from "vitest";
import type { Spend, SpendStore } from "../../../src/client/spend-store.ts";
import { clock, LEASE_MS, spendOf, unique } from "./world.ts";

/** What `take` must do. */
export function takeContract(stores: () => [SpendStore, SpendStore]): void {
  const take = async (store: SpendStore, request: string, owner: string, takeover = false) =>
    await store.take(request, owner, { nowMs: clock.ms, takeover });

  /** A payment of alice's that was sent. */
  async function sent(change: Partial<Spend> = {}): Promise<Spend> {
    const [store] = stores();
    const { state = "pending", ...others } = change;
    const spend = spendOf({ request: unique("GET"), ...others });
    await store.reserve(spend, []);
    await store.update(spend.id, { state });
    return { ...spend, state };
  }

  describe("take", () => {
    test("nothing for a request that nobody knows, nor for one without a payment that is sent", async () => {
      const [store] = stores();
      expect(await take(store, "nobody", "bob", true)).toBeUndefined();
      for (const state of ["reserved", "paid", "delivered", "released", "replaced"] as const) {
        const { request = "" } = await sent({ state });
        expect(await take(store, request, "bob", true)).toBeUndefined();
      }
      await sent({ request: "" });
      expect(await take(store, "GET", "bob", true)).toBeUndefined();
    });

    test.each(["pending", "answered", "rejected"] as const)(
      "what is %s and given up is taken, once",
      async (state) => {
        const [store, replica] = stores();
        const spend = await sent({ state });
        const { request = "" } = spend;
        await store.update(spend.id, { leaseUntilMs: 0 });
        const takers = ["bob", "carol", "dave"];
        const taken = await Promise.all(
          takers.map(async (owner, i) => await take(i % 2 ? replica : store, request, owner)),
        );
        const winner = taken.findIndex((answer) => answer !== undefined && "spend" in answer);
        const owner = takers[winner];
        expect(taken[winner]).toMatchObject({ spend: { id: spend.id, state, owner } });
        const until = (store.leaseMs ?? Number.MAX_SAFE_INTEGER - clock.ms) + clock.ms;
        expect(taken.filter((_, i) => i !== winner)).toEqual(
          Array.from({ length: 2 }, () => ({ heldUntilMs: until })),
        );
        expect(await store.list()).toEqual([{ ...spend, owner, leaseUntilMs: until }]);
      },
    );

    test("a rejected one only while it may still be taken by the server", async () => {
      const [store, replica] = stores();
      const { request = "", expiresAtMs } = await sent({ state: "rejected", leaseUntilMs: 0 });
      const other = await sent({ state: "pending", leaseUntilMs: 0, expiresAtMs });
      clock.ms = expiresAtMs;
      expect(await take(store, request, "bob")).toBeDefined();
      clock.ms += 1;
      expect(await take(replica, request, "carol", true)).toBeUndefined();
      await store.reserve(spendOf(), []);
      expect(await take(replica, request, "carol", true)).toBeUndefined();
      expect(await take(replica, other.request ?? "", "carol")).toBeDefined();
    });

    test.each(["pending", "answered"] as const)(
      "what is %s is given up a day after its time, and still counted",
      async (state) => {
        const [store, replica] = stores();
        const { request = "", expiresAtMs } = await sent({ state, leaseUntilMs: 0 });
        clock.ms = expiresAtMs + 86_400_000;
        expect(await take(store, request, "bob")).toBeDefined();
        clock.ms += 1;
        for (const takeover of [false, true])
          expect(await take(replica, request, "carol", takeover)).toBeUndefined();
        await store.reserve(spendOf({ request, state: "reserved" }), []);
        expect(await take(replica, request, "carol", true)).toBeUndefined();
        expect(await replica.spent("total", "USD", clock.ms)).toBe(600_000);
        expect(await store.list({ states: [state] })).toHaveLength(1);
      },
    );

    test("what somebody is at is held, until the lease is over or it is taken over", async () => {
      const [store, replica] = stores();
      const { request = "", leaseUntilMs } = await sent();
      expect(await take(replica, request, "bob")).toEqual({ heldUntilMs: leaseUntilMs });
      expect(await take(store, request, "alice")).toBeUndefined(); // she is at it
      expect(await take(store, request, "alice", true)).toBeUndefined();
      clock.ms = leaseUntilMs - 1;
      expect(await take(replica, request, "bob")).toEqual({ heldUntilMs: leaseUntilMs });
      clock.ms += 1;
      expect(await take(replica, request, "bob")).toMatchObject({ spend: { owner: "bob" } });
      expect(await take(store, request, "alice")).toMatchObject({
        heldUntilMs: expect.any(Number),
      });
      expect(await take(store, request, "alice", true)).toMatchObject({
        spend: { owner: "alice" },
      });
    });

    test("what its owner has let lapse counts for the owner too", async () => {
      const [store] = stores();
      const { request = "", leaseUntilMs } = await sent();
      clock.ms = leaseUntilMs - 1;
      expect(await take(store, request, "alice")).toBeUndefined();
      clock.ms += 1;
      expect(await take(store, request, "alice")).toMatchObject({ spend: { owner: "alice" } });
    });

    test("a lease is renewed by an update", async () => {
      const [store, replica] = stores();
      const { id, request = "", leaseUntilMs } = await sent();
      clock.ms += LEASE_MS - 1;
      await store.update(id, { leaseUntilMs: leaseUntilMs + LEASE_MS });
      clock.ms += 5;
      const held = { heldUntilMs: leaseUntilMs + LEASE_MS };
      expect(await take(replica, request, "bob")).toEqual(held);
      await store.update(id, { leaseUntilMs: 0 });
      expect(await take(store, request, "alice")).toMatchObject({ spend: { owner: "alice" } });
    });

    test("the oldest first; one that is free before one that is held", async () => {
      const [store, replica] = stores();
      const request = "GET many";
      const [one, two, three] = [
        await sent({ request }),
        await sent({ request }),
        await sent({ request }),
      ];
      for (const { id } of [three, two])
        await store.update(id, { leaseUntilMs: 0, state: "answered" });
      expect(await take(replica, request, "bob")).toMatchObject({ spend: { id: two.id } });
      expect(await take(replica, request, "carol")).toMatchObject({ spend: { id: three.id } });
      expect(await take(replica, request, "dave")).toEqual({ heldUntilMs: one.leaseUntilMs });
      expect(await take(replica, request, "dave", true)).toMatchObject({ spend: { id: one.id } });
    });
  });
}
