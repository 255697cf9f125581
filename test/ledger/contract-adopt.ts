import { describe, expect, test } from "vitest";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { advanced, inState, LONG, STATES, unique } from "./world.ts";
import type { LedgerWorld } from "./world.ts";

/** The fence of a lane that is leased now. */
async function leased({ lanes }: Ledger): Promise<number> {
  const fence = await lanes.acquire(unique("lane"), unique("owner"), LONG);
  expect(fence).toBeDefined();
  return fence!;
}

/** What every ledger does about payments whose lane has a new holder. */
export function adoptContract(world: LedgerWorld): void {
  describe("adopt", () => {
    test("whoever leased the lane of its transaction adopts it, and nobody else can write any more", async () => {
      const former = await leased(world.ledger);
      const { input, record } = await inState(world.ledger, "claimed");
      const { key } = input;
      const lane = await leased(world.replica);
      expect(await world.replica.adopt(key, lane, "0x1")).toStrictEqual(record);
      const write = { fence: record.fence, to: "signed", transaction: "0x1" } as const;
      const signed = await advanced(world.ledger, key, write);
      expect(await world.replica.adopt(key, lane, "0x2")).toStrictEqual(signed);
      expect(await world.replica.adopt(key, former, "0x1")).toStrictEqual(signed);
      const adopted = await world.replica.adopt(key, lane, "0x1");
      expect(adopted).toStrictEqual({ ...signed!, fence: lane });
      expect(await world.ledger.adopt(key, former, "0x1")).toStrictEqual(adopted);
      for (const to of STATES)
        expect(await world.ledger.advance(key, { ...write, to })).toBe(false);
      const end = { fence: lane, to: "confirmed", transaction: "0x1", block: "1" } as const;
      expect(await advanced(world.replica, key, end)).toMatchObject({ state: "confirmed" });
    });

    test("what is final is adopted too: only its holder reopens it", async () => {
      const { input, record } = await inState(world.ledger, "claimed");
      const { key } = input;
      const transaction = "0x1";
      await world.ledger.advance(key, { fence: record.fence, to: "confirmed", transaction });
      const lane = await leased(world.replica);
      expect(await world.replica.adopt(key, lane, transaction)).toMatchObject({ fence: lane });
      const reopen = { to: "signed", transaction, reopens: transaction } as const;
      expect(await world.ledger.advance(key, { fence: record.fence, ...reopen })).toBe(false);
      expect(await world.replica.advance(key, { fence: lane, ...reopen })).toBe(true);
    });

    test("nobody adopts what there is not", async () => {
      expect(await world.ledger.adopt("nothing", 1, "0x1")).toBeUndefined();
    });
  });
}
