import { describe, expect, test } from "vitest";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { advanced, again, claimOf, holdOf, inState, LONG, transactionOf } from "./world.ts";
import type { LedgerWorld } from "./world.ts";

const ODD = [
  "}{",
  "{}",
  "}",
  "{x}y",
  "a\r\nb\n",
  "\0",
  "snö☃🦀",
  "\ufffd",
  "__proto__",
  "constructor",
  " ",
  '"\\',
];

/** Which values every ledger keeps, and which it refuses. */
export function valueContract(world: LedgerWorld): void {
  describe("values", () => {
    test.each(ODD)("%j survives in a record", async (text) => {
      const texts = { claimant: text, requirementsHash: text, payment: text };
      const input = claimOf({ key: text, token: text, ...texts });
      const { status, record } = await world.ledger.claim(input);
      expect(status).toBe("claimed");
      expect(await world.replica.claim(input)).toStrictEqual({ status, record });
      expect((await world.replica.claim(again(input))).status).toBe("held");
      const transition = { fence: record.fence, to: "confirmed" as const };
      const facts = { transaction: text, block: text, reason: text };
      const after = await advanced(world.ledger, text, { ...transition, ...facts });
      expect(after).toMatchObject({ key: text, token: text, ...texts, ...facts });
      expect(await advanced(world.ledger, text, { ...transition, ...facts })).toStrictEqual(after);
      expect(await world.replica.get(text)).toStrictEqual(after);
      expect(await world.replica.handOut(text, text, text, text)).toBe(true);
      expect(await world.replica.handOut(text, `${text} `, text, text)).toBe(false);
      const anonymous = (await inState(world.ledger, "confirmed", { claimant: "" })).input;
      expect(await world.ledger.handOut(anonymous.key, "", "hash-1", text)).toBe(true);
      expect(await world.replica.handOut(anonymous.key, "", "hash-1", text)).toBe(true);
      expect((await world.replica.get(anonymous.key))?.handedOutTo).toBe(text);
    });

    test.each(ODD)("%j survives in holds and lanes", async (text) => {
      const hold = holdOf({ account: text, id: text, amount: 6n });
      expect(await world.ledger.hold(hold)).toBe(true);
      expect(await world.replica.hold(hold)).toBe(true);
      expect(await world.replica.hold({ ...hold, id: `${text} ` })).toBe(false);
      await world.ledger.unhold(text, text);
      expect(await world.ledger.hold({ ...hold, id: `${text} ` })).toBe(true);
      const { lanes } = world.ledger;
      expect(await lanes.announce(text, text, LONG)).toBe(1);
      const fence = (await lanes.acquire(text, text, LONG)) ?? 0;
      expect(await lanes.acquire(text, `${text} `, LONG)).toBeUndefined();
      expect(await lanes.acquire(text, text, LONG)).toBe(fence);
      const transaction = transactionOf({ hash: text, raw: text, members: [text, text] });
      expect(await lanes.record(text, fence, transaction)).toBe(true);
      expect(await world.replica.lanes.open(text)).toStrictEqual([transaction]);
      expect(await lanes.retire(text, fence, [text])).toBe(true);
      expect(await lanes.open(text)).toEqual([]);
    });

    test.each(ODD)("%j survives in the index", async (text) => {
      const keys = [text, "b", text];
      await world.ledger.index(text, keys, LONG);
      keys.pop();
      expect(await world.replica.paymentsOf(text)).toStrictEqual([text, "b", text]);
      expect(await world.replica.paymentsOf(`${text} `)).toStrictEqual([]);
    });

    test("empty facts stay, absent ones stay absent, 64 KiB fit", async () => {
      const input = claimOf({ requirementsHash: "", payment: "é".repeat(32_768) });
      const { fence } = (await world.ledger.claim(input)).record;
      const failed = { fence, to: "failed", reason: "" } as const;
      const after = await advanced(world.ledger, input.key, failed);
      expect(after).toMatchObject({ reason: "", requirementsHash: "", payment: input.payment });
      expect(Object.keys(after ?? {})).not.toContain("transaction");
      const lane = input.key;
      const owner = (await world.ledger.lanes.acquire(lane, "me", LONG)) ?? 0;
      const large = {
        raw: `0x${"ab".repeat(65_536)}`,
        members: [],
        nonce: Number.MAX_SAFE_INTEGER,
      };
      const transaction = transactionOf(large);
      await world.ledger.lanes.record(lane, owner, transaction);
      expect(await world.ledger.lanes.open(lane)).toStrictEqual([transaction]);
    });

    test("what a store could not keep as it is, is the caller's mistake", async () => {
      const { key } = claimOf();
      const { ledger } = world;
      const { lanes } = ledger;
      const claims: Partial<Parameters<Ledger["claim"]>[0]>[] = [
        { key: "" },
        { key: "\ud800" },
        { claimant: "\udfff" },
        { payment: "a\ud83db" },
        { token: "" },
        { token: "\ud800" },
        { leaseMs: -1 },
        { leaseMs: 0.5 },
        { leaseMs: Number.NaN },
        { leaseMs: Number.POSITIVE_INFINITY },
        { ttlMs: 0 },
        { ttlMs: 2 ** 53 },
      ];
      const holds: Partial<Parameters<Ledger["hold"]>[0]>[] = [
        { account: "" },
        { id: "" },
        { id: "\ud800" },
        { amount: -1n },
        { amount: 2n ** 256n },
        { amount: 1 as unknown as bigint },
        { available: -1n },
        { available: 2n ** 256n },
        { ttlMs: 0 },
      ];
      const transactions: Partial<Parameters<typeof lanes.record>[2]>[] = [
        { version: 2 as 1 },
        { hash: "" },
        { raw: "\ud800" },
        { nonce: -1 },
        { nonce: 0.5 },
        { members: [""] },
      ];
      const mistakes = [
        ...claims.map((change) => () => ledger.claim(claimOf(change))),
        ...holds.map((change) => () => ledger.hold(holdOf(change))),
        ...transactions.map((change) => () => lanes.record("l", 1, transactionOf(change))),
        () => ledger.advance(key, { fence: 0.5, to: "signed" }),
        () => ledger.advance(key, { fence: 1, to: "failed", reason: "\ud800" }),
        () => ledger.advance(key, { fence: 1, to: "signed", reopens: "" }),
        () => ledger.advance(key, { fence: 1, to: "signed", reopens: "\ud800" }),
        () => ledger.renew(key, 1, -1),
        () => ledger.release(key, Number.NaN),
        () => ledger.handOut(key, "\ud800", "", "t"),
        () => ledger.handOut(key, "", "", ""),
        () => ledger.get(""),
        () => ledger.index("", ["a"], 1),
        () => ledger.index("a", [""], 1),
        () => ledger.index("a", ["\ud800"], 1),
        () => ledger.index("a", ["b"], 0),
        () => ledger.paymentsOf(""),
        () => ledger.unhold("", "a"),
        () => ledger.unhold("a", ""),
        () => lanes.announce("", "o", 1),
        () => lanes.announce("g", "", 1),
        () => lanes.announce("g", "o", -1),
        () => lanes.acquire("", "o", 1),
        () => lanes.acquire("l", "", 1),
        () => lanes.acquire("l", "o", -1),
        () => lanes.renew("l", 0.5, 1),
        () => lanes.renew("l", 1, -1),
        () => lanes.release("", 1),
        () => lanes.open(""),
        () => lanes.retire("l", 1, [""]),
      ];
      for (const mistake of mistakes) await expect(mistake()).rejects.toThrow(TypeError);
    });

    test("a record that was answered cannot be changed from outside", async () => {
      const { input, record } = await inState(world.ledger, "claimed");
      const copy = { ...record };
      try {
        Object.assign(record, { claimant: "mallory", state: "confirmed" });
      } catch {
        // Frozen: as well.
      }
      expect(await world.ledger.get(input.key)).toStrictEqual(copy);
    });
  });
}
