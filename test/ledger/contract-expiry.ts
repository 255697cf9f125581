import { describe, expect, test } from "vitest";
import { again, claimOf, inState, LONG, SHORT, STATES, unique } from "./world.ts";
import type { LedgerWorld } from "./world.ts";

/** For how long every ledger keeps records. */
export function expiryContract(world: LedgerWorld): void {
  describe("expiry", () => {
    test.each(STATES)("%s is gone after its time", async (state) => {
      const times = { leaseMs: 0, ttlMs: 2 * SHORT };
      const { input, record } = await inState(world.ledger, state, times);
      const { key, claimant } = input;
      await world.advance(2 * SHORT + 5);
      expect(await world.ledger.get(key)).toBeUndefined();
      const late = { fence: record.fence, to: "failed" as const };
      expect(await world.ledger.advance(key, late)).toBe(false);
      expect(await world.ledger.handOut(key, claimant, "hash-1", "t")).toBe(false);
      expect((await world.ledger.claim(again(input))).status).toBe("claimed");
    });

    test("is never brought forward", async () => {
      const { input, record } = await inState(world.ledger, "claimed", { leaseMs: 0 });
      const { fence } = (await world.ledger.claim(again(input, { ttlMs: 1 }))).record;
      expect(fence).toBeGreaterThan(record.fence);
      await world.ledger.claim(again(input, { claimant: "bob", ttlMs: 1 }));
      await world.ledger.renew(input.key, fence, 1);
      await world.ledger.advance(input.key, { fence, to: "signed" });
      await world.ledger.advance(input.key, { fence, to: "confirmed", transaction: "0x1" });
      await world.ledger.handOut(input.key, "alice", "hash-1", "t");
      await world.ledger.advance(input.key, { fence, to: "signed", reopens: "0x1" });
      await world.ledger.claim(again(input, { ttlMs: 1 }));
      await world.advance(SHORT);
      expect((await world.ledger.get(input.key))?.state).toBe("signed");
    });

    test("waits for the lease, however the lease came about", async () => {
      const byClaim = claimOf({ ttlMs: SHORT });
      await world.ledger.claim(byClaim);
      const short = { ttlMs: 10 * SHORT, leaseMs: 0 };
      const renewed = await inState(world.ledger, "claimed", short);
      expect(await world.ledger.renew(renewed.input.key, renewed.record.fence, LONG)).toBe(true);
      const taken = await inState(world.ledger, "claimed", short);
      const next = again(taken.input, { leaseMs: LONG });
      expect((await world.ledger.claim(next)).record.token).toBe(next.token);
      const repeated = await inState(world.ledger, "claimed", short);
      await world.ledger.claim({ ...repeated.input, leaseMs: LONG });
      await world.advance(11 * SHORT);
      for (const { key } of [byClaim, renewed.input, taken.input, repeated.input]) {
        expect(await world.ledger.get(key)).toBeDefined();
      }
    });

    test("the index of a transaction ends after its time, the longest that was asked for", async () => {
      const [short, long] = [unique("0x"), unique("0x")];
      await world.ledger.index(short, ["a", "b"], 2 * SHORT);
      await world.ledger.index(long, ["a"], LONG);
      await world.replica.index(long, ["c"], 2 * SHORT);
      await world.replica.index(short, [], 1);
      await world.advance(5);
      expect(await world.ledger.paymentsOf(short)).toStrictEqual([]);
      await world.ledger.index(short, ["b", "a"], SHORT);
      expect(await world.replica.paymentsOf(short)).toStrictEqual(["b", "a"]);
      await world.advance(2 * SHORT + 5);
      expect(await world.ledger.paymentsOf(short)).toStrictEqual([]);
      expect(await world.ledger.paymentsOf(long)).toStrictEqual(["c"]);
    });

    test("is put off by who takes over", async () => {
      const { input } = await inState(world.ledger, "claimed", { ttlMs: 10 * SHORT, leaseMs: 0 });
      expect((await world.ledger.claim(again(input, { ttlMs: LONG }))).status).toBe("claimed");
      await world.advance(11 * SHORT);
      expect(await world.ledger.get(input.key)).toBeDefined();
    });
  });
}
