import { describe, expect, test } from "vitest";
import { crowd, inState, STATES } from "./world.ts";
import type { LedgerWorld } from "./world.ts";

/** What every ledger does about handing a success out. */
export function handOutContract(world: LedgerWorld): void {
  describe("handOut", () => {
    test("of 200 anonymous callers at once exactly one is told of the success, and told again", async () => {
      const { input, record } = await inState(world.ledger, "confirmed", { claimant: "" });
      const tokens = Array.from({ length: 200 }, (_, i) => `token-${i}`);
      const ask = () =>
        crowd(world, (ledger, i) => ledger.handOut(input.key, "", "hash-1", tokens[i] ?? ""));
      const told = await ask();
      expect(told.filter(Boolean)).toHaveLength(1);
      const handedOutTo = tokens[told.indexOf(true)];
      expect(await world.replica.get(input.key)).toStrictEqual({ ...record, handedOutTo });
      expect(await ask()).toStrictEqual(told);
    });

    test("one call that asks 200 times at once is told every time", async () => {
      const { input } = await inState(world.ledger, "confirmed", { claimant: "" });
      const told = await crowd(world, (ledger) => ledger.handOut(input.key, "", "hash-1", "one"));
      expect(told.every(Boolean)).toBe(true);
      expect(await world.ledger.handOut(input.key, "", "hash-1", "another")).toBe(false);
    });

    test("the token of the claim is nothing special", async () => {
      const { input } = await inState(world.ledger, "confirmed", { claimant: "" });
      expect(await world.ledger.handOut(input.key, "", "hash-1", "another")).toBe(true);
      expect(await world.ledger.handOut(input.key, "", "hash-1", input.token)).toBe(false);
    });

    test("the named claimant is told every time, nobody else and for nothing else", async () => {
      const { input, record } = await inState(world.ledger, "confirmed");
      for (const [claimant, hash] of [
        ["bob", "hash-1"],
        ["", "hash-1"],
        ["alice", "hash-2"],
        ["alice", ""],
      ] as const) {
        expect(await world.ledger.handOut(input.key, claimant, hash, input.token)).toBe(false);
      }
      expect(await world.ledger.handOut(input.key, "alice", "hash-1", "a")).toBe(true);
      expect(await world.replica.handOut(input.key, "alice", "hash-1", "b")).toBe(true);
      expect(await world.replica.get(input.key)).toStrictEqual(record);
    });

    test("a wrong caller does not use up an anonymous success", async () => {
      const { input } = await inState(world.ledger, "confirmed", { claimant: "" });
      expect(await world.ledger.handOut(input.key, "alice", "hash-1", "a")).toBe(false);
      expect(await world.ledger.handOut(input.key, "", "hash-2", "a")).toBe(false);
      expect(await world.ledger.handOut(input.key, "", "hash-1", "b")).toBe(true);
    });

    test("a success that was handed out stays so through a reorganization", async () => {
      const { input, record } = await inState(world.ledger, "signed", { claimant: "" });
      const { fence } = record;
      const confirmed = { fence, to: "confirmed", transaction: "0x1" } as const;
      await world.ledger.advance(input.key, confirmed);
      expect(await world.ledger.handOut(input.key, "", "hash-1", "one")).toBe(true);
      await world.ledger.advance(input.key, { fence, to: "signed", reopens: "0x1" });
      expect(await world.ledger.handOut(input.key, "", "hash-1", "one")).toBe(false);
      await world.ledger.advance(input.key, confirmed);
      expect(await world.ledger.handOut(input.key, "", "hash-1", "two")).toBe(false);
      expect(await world.ledger.handOut(input.key, "", "hash-1", "one")).toBe(true);
    });

    test.each(STATES.filter((state) => state !== "confirmed"))(
      "%s is no success",
      async (state) => {
        for (const claimant of ["", "alice"]) {
          const { input, record } = await inState(world.ledger, state, { claimant });
          expect(await world.ledger.handOut(input.key, claimant, "hash-1", "t")).toBe(false);
          expect(await world.ledger.get(input.key)).toStrictEqual(record);
        }
      },
    );
  });
}
