import { describe, expect, test } from "vitest";
import type { SettlementRecord, SettlementState } from "../../src/ledger/ledger.ts";
import { FINAL_STATES, SETTLEMENT_TRANSITIONS } from "../../src/ledger/ledger.ts";
import { advanced, crowd, inState, SHORT, STATES } from "./world.ts";
import type { LedgerWorld } from "./world.ts";

/** What every ledger does about transitions. */
export function advanceContract(world: LedgerWorld): void {
  describe("advance", () => {
    test.each(STATES.flatMap((from) => STATES.map((to) => ({ from, to }))))(
      "$from -> $to",
      async ({ from, to }) => {
        const { input, record } = await inState(world.ledger, from);
        const before = world.nowMs?.() ?? record.createdAtMs;
        const after = await advanced(world.ledger, input.key, { fence: record.fence, to });
        const repeated = from === to && from !== "claimed";
        const allowed = SETTLEMENT_TRANSITIONS[from].includes(to) && !FINAL_STATES.has(from);
        if (repeated) expect(after).toStrictEqual(record);
        else if (!allowed) expect(after).toBeUndefined();
        else {
          expect(after).toStrictEqual(expected(record, to, after));
          expect(timeOf(after, to)).toBeGreaterThanOrEqual(before);
        }
        expect(await world.replica.get(input.key)).toStrictEqual(after ?? record);
      },
    );

    test("keeps what it is not told, and replaces what it is", async () => {
      const { input, record } = await inState(world.ledger, "claimed");
      const { fence } = record;
      const first = { transaction: "0x01", block: "3" };
      const signed = await advanced(world.ledger, input.key, { fence, to: "signed", ...first });
      const { signedAtMs } = signed ?? {};
      expect(signed).toStrictEqual({ ...record, ...first, state: "signed", signedAtMs });
      await world.advance(SHORT);
      const bumped = { fence, to: "signed", transaction: "0x03" } as const;
      const again = await advanced(world.ledger, input.key, bumped);
      expect(again).toMatchObject({ transaction: "0x03" });
      expect(again).not.toHaveProperty("block"); // a signed one is in no block
      expect(again?.signedAtMs).toBeGreaterThan(signedAtMs ?? 0);
      const done = await advanced(world.ledger, input.key, { fence, to: "confirmed", block: "0" });
      expect(done).toMatchObject({ state: "confirmed", transaction: "0x03", block: "0" });
      expect(done?.signedAtMs).toBe(again?.signedAtMs);
      expect(done?.leaseUntilMs).toBe(record.leaseUntilMs);
    });

    test.each([
      { to: "signed", transaction: "0x1" },
      { to: "confirmed", transaction: "0x1", block: "7" },
      { to: "failed", reason: "no", block: "7" },
    ] as const)("$to again with the same facts is answered the same", async (facts) => {
      const { input, record } = await inState(world.ledger, "claimed");
      const transition = { fence: record.fence, ...facts };
      const after = await advanced(world.ledger, input.key, transition);
      await world.advance(5);
      expect(await advanced(world.replica, input.key, transition)).toStrictEqual(after);
      expect(
        await advanced(world.replica, input.key, { ...transition, fence: record.fence + 1 }),
      ).toBeUndefined();
      const all = await crowd(world, (ledger) => advanced(ledger, input.key, transition));
      for (const answer of all) expect(answer).toStrictEqual(after);
    });

    test.each([...FINAL_STATES])("%s again with other facts is refused", async (to) => {
      const { input, record } = await inState(world.ledger, "signed");
      const { fence } = record;
      const after = await advanced(world.ledger, input.key, { fence, to, block: "7", reason: "a" });
      for (const facts of [{ block: "8" }, { reason: "" }, { transaction: "0x1", block: "7" }]) {
        expect(await advanced(world.ledger, input.key, { fence, to, ...facts })).toBeUndefined();
      }
      expect(await world.replica.get(input.key)).toStrictEqual(after);
    });

    test.each([...FINAL_STATES])(
      "%s is signed again when its block is gone, by who names its transaction, and forgets the end",
      async (to) => {
        const { input, record } = await inState(world.ledger, "signed");
        const { key } = input;
        const { fence } = record;
        const sure = { fence, to, transaction: "0x1", block: "7", reason: "r" } as const;
        const final = await advanced(world.ledger, key, sure);
        for (const wrong of [{}, { reopens: "0x2" }, { reopens: "0x", transaction: "0x1" }]) {
          const refused = await advanced(world.ledger, key, { fence, to: "signed", ...wrong });
          expect(refused).toBeUndefined();
        }
        const reopen = { fence, to: "signed", reopens: "0x1" } as const;
        const other = await advanced(world.ledger, key, { ...reopen, fence: fence + 1 });
        expect(other).toBeUndefined();
        expect(await world.replica.get(key)).toStrictEqual(final);
        await world.advance(SHORT);
        const signed = await advanced(world.ledger, key, { ...reopen, transaction: "0x2" });
        const { signedAtMs } = signed ?? {};
        expect(signed).toStrictEqual({ ...record, transaction: "0x2", signedAtMs });
        expect(signedAtMs).toBeGreaterThan(record.signedAtMs ?? 0);
        const repeated = await advanced(world.replica, key, { ...reopen, transaction: "0x2" });
        expect(repeated).toStrictEqual(signed);
        const confirmed = { fence, to: "confirmed", block: "9" } as const;
        const done = await advanced(world.replica, key, confirmed);
        expect(done).toMatchObject({ state: "confirmed", block: "9", signedAtMs });
        expect(done?.finishedAtMs).toBeGreaterThanOrEqual(signedAtMs ?? Infinity);
      },
    );

    test.each([...FINAL_STATES])("%s without a transaction stays", async (state) => {
      const { input, record } = await inState(world.ledger, state);
      const { fence } = record;
      expect(
        await advanced(world.ledger, input.key, { fence, to: "signed", reopens: "0x1" }),
      ).toBeUndefined();
      expect(await world.replica.get(input.key)).toStrictEqual(record);
    });

    test("who reopens what is not final says too much, and is not refused for it", async () => {
      const { input, record } = await inState(world.ledger, "signed");
      const { fence } = record;
      const after = await advanced(world.ledger, input.key, {
        fence,
        to: "failed",
        reopens: "0x1",
      });
      expect(after?.state).toBe("failed");
    });

    test("what does not exist is lost", async () => {
      const { ledger } = world;
      expect(await ledger.advance("nothing", { fence: 1, to: "signed" })).toBe(false);
      expect(await ledger.renew("nothing", 1, 1)).toBe(false);
      expect(await ledger.release("nothing", 1)).toBe(false);
      expect(await ledger.handOut("nothing", "", "hash-1", "t")).toBe(false);
      expect(await ledger.get("nothing")).toBeUndefined();
    });

    test("of many payments at once each is answered for itself", async () => {
      const all = await Promise.all(
        Array.from({ length: 100 }, () => inState(world.ledger, "claimed")),
      );
      const lost = new Set([0, 41, 42, 99]);
      const marked = await Promise.all(
        all.map(({ input, record }, index) =>
          world.ledger.advance(input.key, {
            fence: record.fence - (lost.has(index) ? 1 : 0),
            to: "signed",
            transaction: "0x1",
          }),
        ),
      );
      expect(marked).toEqual(all.map((_, index) => !lost.has(index)));
      for (const [index, { input, record }] of all.entries()) {
        const now = await world.replica.get(input.key);
        if (lost.has(index)) expect(now).toStrictEqual(record);
        else expect(now).toMatchObject({ state: "signed", transaction: "0x1" });
      }
    });

    test("of 200 different ends at once exactly one wins", async () => {
      const { input, record } = await inState(world.ledger, "signed");
      const { fence } = record;
      const all = await crowd(world, (ledger, i) =>
        ledger.advance(input.key, { fence, to: "failed", reason: `${i}` }),
      );
      expect(all.filter(Boolean)).toHaveLength(1);
    });
  });
}

/** What a record becomes by a transition without facts; when, the store says. */
function expected(
  before: SettlementRecord,
  to: SettlementState,
  after: SettlementRecord | undefined,
): object {
  const { block: _block, reason: _reason, finishedAtMs: _finishedAtMs, ...unfinished } = before;
  return FINAL_STATES.has(to)
    ? { ...before, state: to, finishedAtMs: after?.finishedAtMs }
    : { ...unfinished, state: to, signedAtMs: after?.signedAtMs };
}

function timeOf(record: SettlementRecord | undefined, state: SettlementState): number | undefined {
  return FINAL_STATES.has(state) ? record?.finishedAtMs : record?.signedAtMs;
}
