import { describe, expect, test } from "vitest";
import type { LaneStore } from "../../src/ledger/lanes.ts";
import { crowd, LONG, SHORT, transactionOf, unique } from "./world.ts";
import type { LedgerWorld } from "./world.ts";

/** What every ledger does about lanes. */
export function laneContract(world: LedgerWorld): void {
  const lane = () => unique("eip155:8453:0x");
  /** Leases a lane that nobody has. */
  const acquire = async (name: string, owner = "me", leaseMs = LONG): Promise<number> => {
    const fence = await world.ledger.lanes.acquire(name, owner, leaseMs);
    if (fence === undefined) throw new Error("somebody has the lane");
    return fence;
  };

  describe("lane lease", () => {
    test("of 200 owners at once exactly one gets the lane", async () => {
      const name = lane();
      const fences = await crowd(world, ({ lanes }, i) => lanes.acquire(name, `owner-${i}`, LONG));
      expect(fences.filter((fence) => fence !== undefined)).toHaveLength(1);
    });

    test("of 200 owners at once exactly one takes over from one who is gone", async () => {
      const name = lane();
      const before = await acquire(name, "gone", 0);
      const fences = await crowd(world, ({ lanes }, i) => lanes.acquire(name, `owner-${i}`, LONG));
      const [taken, ...more] = fences.filter((fence) => fence !== undefined);
      expect(more).toEqual([]);
      expect(taken).toBeGreaterThan(before);
    });

    test("the owner gets the same fence again, and renews; others wait for the end", async () => {
      const { lanes } = world.replica;
      const name = lane();
      const fence = await acquire(name, "me", 2 * SHORT);
      await world.advance(SHORT);
      expect(await lanes.acquire(name, "me", 2 * SHORT)).toBe(fence);
      await world.advance(SHORT + 5);
      expect(await lanes.acquire(name, "you", LONG)).toBeUndefined();
      expect(await lanes.renew(name, fence, 2 * SHORT)).toBe(true);
      await world.advance(SHORT + 5);
      expect(await lanes.acquire(name, "you", LONG)).toBeUndefined();
      await world.advance(SHORT + 5);
      expect(await lanes.acquire(name, "you", LONG)).toBeGreaterThan(fence);
      expect(await lanes.acquire(name, "me", LONG)).toBeUndefined();
    });

    test("after the end, but before anybody else came, it is still the owner's to renew", async () => {
      const name = lane();
      const { lanes } = world.ledger;
      const fence = await acquire(name, "me", 0);
      expect(await lanes.renew(name, fence, LONG)).toBe(true);
      expect(await lanes.record(name, fence, transactionOf())).toBe(true);
      expect(await lanes.renew(name, fence, 0)).toBe(true);
      expect(await lanes.acquire(name, "me", LONG)).toBe(fence);
    });

    test("released, it is anybody's, and the fence is done with", async () => {
      const name = lane();
      const { lanes } = world.ledger;
      const fence = await acquire(name);
      await lanes.release(name, fence);
      await lanes.release(name, fence);
      expect(await writes(lanes, name, fence)).toEqual([false, false, false]);
      const next = await acquire(name);
      expect(next).toBeGreaterThan(fence);
      await lanes.release(name, fence); // too late
      expect(await lanes.acquire(name, "you", LONG)).toBeUndefined();
      expect(await lanes.renew(name, next, LONG)).toBe(true);
    });

    test("a fence never comes back", async () => {
      const name = lane();
      const { lanes } = world.ledger;
      const fences = [0];
      for (let i = 0; i < 30; i++) {
        const fence = await acquire(name, `owner-${i % 3}`, i % 2 === 0 ? 0 : LONG);
        expect(fence).toBeGreaterThan(fences.at(-1) ?? 0);
        fences.push(fence);
        if (i % 2 === 1) await lanes.release(name, fence);
      }
      const current = fences.at(-1);
      for (const fence of fences.filter((one) => one !== current)) {
        expect(await writes(lanes, name, fence)).toEqual([false, false, false]);
      }
    });

    test("nobody has a lane that nobody leased", async () => {
      const { lanes } = world.ledger;
      expect(await writes(lanes, lane(), 1)).toEqual([false, false, false]);
      await lanes.release(lane(), 1);
      expect(await lanes.open(lane())).toEqual([]);
    });
  });

  describe("lane log", () => {
    test("holds what was recorded, by nonce, versions in the order of recording", async () => {
      const name = lane();
      const { lanes } = world.ledger;
      const fence = await acquire(name);
      const nonces = [7, 5, 6, 5, 10, 5, 9];
      const all = nonces.map((nonce) => transactionOf({ nonce, members: [`of ${nonce}`] }));
      for (const transaction of all)
        expect(await lanes.record(name, fence, transaction)).toBe(true);
      const sorted = [1, 3, 5, 2, 0, 6, 4].map((i) => all[i]);
      expect(await world.replica.lanes.open(name)).toStrictEqual(sorted);
      expect(await lanes.open(lane())).toEqual([]);
      const [one, two] = all;
      expect(await lanes.retire(name, fence, [one?.hash ?? "", two?.hash ?? "", "0x0"])).toBe(true);
      expect(await lanes.retire(name, fence, [one?.hash ?? ""])).toBe(true);
      expect(await lanes.retire(name, fence, [])).toBe(true);
      const rest = sorted.filter((transaction) => transaction !== one && transaction !== two);
      expect(await world.replica.lanes.open(name)).toStrictEqual(rest);
    });

    test("the same hash again is the same entry", async () => {
      const name = lane();
      const fence = await acquire(name);
      const [first, second] = [transactionOf(), transactionOf()];
      await world.ledger.lanes.record(name, fence, first);
      await world.ledger.lanes.record(name, fence, second);
      const all = await crowd(world, ({ lanes }) => lanes.record(name, fence, first));
      expect(all.every(Boolean)).toBe(true);
      expect(await world.ledger.lanes.open(name)).toStrictEqual([first, second]);
    });

    test("200 at once are all there", async () => {
      const name = lane();
      const fence = await acquire(name);
      const all = await crowd(world, ({ lanes }, nonce) =>
        lanes.record(name, fence, transactionOf({ nonce, raw: `0x${"ab".repeat(5_000)}` })),
      );
      expect(all.every(Boolean)).toBe(true);
      const open = await world.ledger.lanes.open(name);
      expect(open.map(({ nonce }) => nonce)).toEqual(Array.from({ length: 200 }, (_, i) => i));
      const hashes = open.map(({ hash }) => hash);
      expect(await world.ledger.lanes.retire(name, fence, hashes)).toBe(true);
      expect(await world.ledger.lanes.open(name)).toEqual([]);
    });

    test("nothing is recorded after the end of the lease, not even the same again", async () => {
      const name = lane();
      const { lanes } = world.ledger;
      const fence = await acquire(name, "me", 2 * SHORT);
      const transaction = transactionOf();
      expect(await lanes.record(name, fence, transaction)).toBe(true);
      await world.advance(2 * SHORT + 5);
      expect(await lanes.record(name, fence, transactionOf())).toBe(false);
      expect(await lanes.record(name, fence, transaction)).toBe(false);
      expect(await lanes.open(name)).toStrictEqual([transaction]);
      expect(await lanes.retire(name, fence, [transaction.hash])).toBe(true); // a fact needs no lease
    });

    test("who takes the lane over finds all of it, and the former owner writes no more", async () => {
      const name = lane();
      const before = await acquire(name, "gone");
      const transaction = transactionOf();
      await world.ledger.lanes.record(name, before, transaction);
      await world.ledger.lanes.renew(name, before, 0);
      const { lanes } = world.replica;
      const fence = (await lanes.acquire(name, "next", LONG)) ?? 0;
      expect(fence).toBeGreaterThan(before);
      expect(await lanes.open(name)).toStrictEqual([transaction]);
      expect(await writes(world.ledger.lanes, name, before, transaction.hash)).toEqual([
        false,
        false,
        false,
      ]);
      await world.ledger.lanes.release(name, before);
      expect(await world.ledger.lanes.open(name)).toStrictEqual([transaction]);
      expect(await lanes.retire(name, fence, [transaction.hash])).toBe(true);
      expect(await lanes.record(name, fence, transactionOf())).toBe(true);
    });

    test("versions keep their order through leases and retirement", async () => {
      const name = lane();
      const { lanes } = world.ledger;
      const versions = Array.from({ length: 12 }, () => transactionOf({ nonce: 5 }));
      for (const [i, version] of versions.entries()) {
        const fence = await acquire(name, `owner-${i % 3}`);
        expect(await lanes.record(name, fence, version)).toBe(true);
        if (i === 6) expect(await lanes.retire(name, fence, [versions[0]?.hash ?? ""])).toBe(true);
        await lanes.release(name, fence);
      }
      expect(await lanes.open(name)).toStrictEqual(versions.slice(1));
    });

    test("a recorded transaction cannot be changed from outside", async () => {
      const name = lane();
      const { lanes } = world.ledger;
      const fence = await acquire(name);
      const members = ["a"];
      const transaction = transactionOf({ members });
      await lanes.record(name, fence, transaction);
      members.push("b");
      try {
        Object.assign((await lanes.open(name))[0] ?? {}, { nonce: 99 });
      } catch {
        // Frozen: as well.
      }
      expect(await lanes.open(name)).toStrictEqual([{ ...transaction, members: ["a"] }]);
    });
  });

  describe("announce", () => {
    test("counts the owners of a group that are alive", async () => {
      const [group, { lanes }] = [unique("group"), world.ledger];
      expect(await lanes.announce(group, "a", LONG)).toBe(1);
      expect(await lanes.announce(group, "a", LONG)).toBe(1);
      expect(await world.replica.lanes.announce(group, "b", 2 * SHORT)).toBe(2);
      expect(await lanes.announce(unique("group"), "a", LONG)).toBe(1);
      expect(await lanes.announce(group, "c", 2 * SHORT)).toBe(3);
      await world.advance(SHORT);
      expect(await lanes.announce(group, "c", LONG)).toBe(3);
      await world.advance(SHORT + 5);
      expect(await lanes.announce(group, "a", LONG)).toBe(2);
      expect(await lanes.announce(group, "c", 0)).toBe(1); // it leaves
      expect(await lanes.announce(group, "a", 0)).toBe(0);
    });

    test("200 at once are 200", async () => {
      const group = unique("group");
      const counts = await crowd(world, ({ lanes }, i) => lanes.announce(group, `${i}`, LONG));
      expect(counts.toSorted((a, b) => a - b)).toEqual(counts.map((_, i) => i + 1));
    });
  });
}

/** Tries everything that only the lane's owner may do. */
async function writes(
  lanes: LaneStore,
  name: string,
  fence: number,
  hash = "0x0",
): Promise<boolean[]> {
  return [
    await lanes.record(name, fence, transactionOf()),
    await lanes.retire(name, fence, [hash]),
    await lanes.renew(name, fence, LONG),
  ];
}
