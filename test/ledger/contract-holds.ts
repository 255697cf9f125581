import { describe, expect, test } from "vitest";
import { crowd, holdOf, LONG, SHORT, unique } from "./world.ts";
import type { LedgerWorld } from "./world.ts";

const MAX = 2n ** 256n - 1n;

/** What every ledger does about amounts that are set aside. */
export function holdContract(world: LedgerWorld): void {
  describe("hold", () => {
    test.each([
      [10n, 105n, 10],
      [1n, 199n, 199],
      [3n, 2n, 0],
      [1_000_000n, 200_000_000n, 200],
      [2n ** 250n, MAX, 63],
      [2n ** 249n + 1n, MAX, 127],
      [MAX, MAX, 1],
      [2n ** 53n + 1n, 7n * (2n ** 53n + 1n), 7],
      [10n ** 14n, 10n ** 15n - 1n, 9],
    ])(
      "of 200 holds of %d at once on a balance of %d exactly %d hold",
      async (amount, available, fits) => {
        const account = unique("account");
        const held = await crowd(world, (ledger) =>
          ledger.hold(holdOf({ account, amount, available })),
        );
        expect(held.filter(Boolean)).toHaveLength(fits);
        const rest = available - BigInt(fits) * amount;
        const left = (more: bigint) =>
          world.replica.hold(holdOf({ account, amount: rest + more, available }));
        expect(await left(1n)).toBe(false);
        expect(await left(0n)).toBe(true);
      },
    );

    test("accounts do not know each other", async () => {
      const hold = holdOf({ amount: 10n });
      expect(await world.ledger.hold(hold)).toBe(true);
      expect(await world.ledger.hold({ ...hold, account: unique("account") })).toBe(true);
      expect(await world.ledger.hold({ ...hold, id: "another" })).toBe(false);
    });

    test("the same again, 200 times at once, is one hold", async () => {
      const hold = holdOf({ amount: 6n });
      const held = await crowd(world, (ledger) => ledger.hold(hold));
      expect(held.every(Boolean)).toBe(true);
      expect(await world.ledger.hold({ ...hold, id: "another", amount: 4n })).toBe(true);
      expect(await world.ledger.hold({ ...hold, id: "third", amount: 1n })).toBe(false);
    });

    test("the same again replaces its amount; when that does not fit, it stays as it was", async () => {
      const one = holdOf({ amount: 6n });
      const two = { ...one, id: "another", amount: 4n };
      expect(await world.ledger.hold(one)).toBe(true);
      expect(await world.ledger.hold(two)).toBe(true);
      expect(await world.replica.hold({ ...two, amount: 5n })).toBe(false);
      expect(await world.ledger.hold({ ...one, amount: 7n })).toBe(false);
      expect(await world.replica.hold({ ...one, amount: 2n })).toBe(true);
      expect(await world.ledger.hold({ ...two, amount: 9n })).toBe(false);
      expect(await world.ledger.hold({ ...two, amount: 8n })).toBe(true);
    });

    test("the balance is the one that the caller saw", async () => {
      const hold = holdOf({ amount: 6n });
      expect(await world.ledger.hold(hold)).toBe(true);
      expect(await world.ledger.hold({ ...hold, available: 5n })).toBe(false);
      expect(await world.ledger.hold({ ...hold, id: "b", amount: 0n, available: 5n })).toBe(false);
      expect(await world.ledger.hold({ ...hold, id: "b", amount: 6n, available: 12n })).toBe(true);
    });

    test("a hold ends by itself, and no longer counts", async () => {
      const hold = holdOf({ amount: 6n, ttlMs: 2 * SHORT });
      expect(await world.ledger.hold(hold)).toBe(true);
      expect(await world.ledger.hold({ ...hold, id: "b", amount: 4n, ttlMs: LONG })).toBe(true);
      expect(await world.ledger.hold({ ...hold, id: "c", amount: 1n })).toBe(false);
      await world.advance(2 * SHORT + 5);
      expect(await world.replica.hold({ ...hold, id: "c", amount: 7n })).toBe(false);
      expect(await world.replica.hold({ ...hold, id: "c" })).toBe(true);
    });

    test("holding again renews, for less long too", async () => {
      const longer = holdOf({ amount: 6n, ttlMs: 2 * SHORT });
      await world.ledger.hold(longer);
      await world.ledger.hold({ ...longer, ttlMs: LONG });
      const shorter = holdOf({ amount: 6n, ttlMs: LONG });
      await world.ledger.hold(shorter);
      await world.ledger.hold({ ...shorter, ttlMs: SHORT });
      await world.advance(2 * SHORT + 5);
      expect(await world.ledger.hold({ ...longer, id: "b" })).toBe(false);
      expect(await world.ledger.hold({ ...shorter, id: "b" })).toBe(true);
    });

    test("unhold gives it back, once", async () => {
      const hold = holdOf({ amount: 6n });
      await world.ledger.hold(hold);
      await world.ledger.hold({ ...hold, id: "b", amount: 4n });
      await crowd(world, (ledger) => ledger.unhold(hold.account, hold.id));
      expect(await world.ledger.hold({ ...hold, id: "c", amount: 7n })).toBe(false);
      expect(await world.ledger.hold({ ...hold, id: "c" })).toBe(true);
      await world.ledger.unhold(hold.account, "nothing");
      await world.ledger.unhold(unique("account"), "nothing");
      expect(await world.ledger.hold({ ...hold, id: "d", amount: 1n })).toBe(false);
      await world.ledger.unhold(hold.account, "b");
      await world.ledger.unhold(hold.account, "c");
      expect(await world.ledger.hold({ ...hold, id: "d", amount: 10n })).toBe(true);
    });

    test("many that ended at once do not stand in the way", async () => {
      const account = unique("account");
      const available = 2_501n;
      const ttlMs = 1_000;
      const stays = holdOf({ account, available });
      const ids = Array.from({ length: 2_500 }, (_, i) => `${i}`);
      const all = await Promise.all([
        world.ledger.hold(stays),
        ...ids.map((id) => world.ledger.hold(holdOf({ account, id, available, ttlMs }))),
      ]);
      expect(all.every(Boolean)).toBe(true);
      await world.advance(ttlMs + 5);
      const rest = holdOf({ account, amount: 2_500n, available });
      expect(await world.ledger.hold({ ...rest, amount: 2_501n })).toBe(false);
      expect(await world.ledger.hold(rest)).toBe(true);
      await world.ledger.unhold(account, rest.id);
      expect(await world.ledger.hold({ ...stays, amount: available })).toBe(true);
    });
  });
}
