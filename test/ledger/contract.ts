import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Claim, Ledger } from "../../src/ledger/ledger.ts";
import { SETTLEMENT_TRANSITIONS } from "../../src/ledger/ledger.ts";
import { agreesWithModel } from "./model.property.ts";
import { claimOf, inState, LONG, SHORT, STATES } from "./world.ts";
import type { LedgerWorld } from "./world.ts";

const FINAL = STATES.filter((state) => SETTLEMENT_TRANSITIONS[state].length === 0);
const OPEN = STATES.filter((state) => !FINAL.includes(state));

/** What every ledger must do. */
export function ledgerContract(name: string, factory: () => Promise<LedgerWorld>): void {
  describe(name, () => {
    let world: LedgerWorld;
    let ledger: Ledger;
    let replica: Ledger;
    beforeAll(async () => {
      world = await factory();
      ({ ledger, replica } = world);
    });
    afterAll(() => world.stop());

    describe("claim", () => {
      test("a new payment is claimed, with nothing in the record that was not given", async () => {
        const input = claimOf();
        const { status, record } = await ledger.claim(input);
        expect(status).toBe("claimed");
        expect(record).toStrictEqual({
          version: 1,
          key: input.key,
          state: "claimed",
          fence: record.fence,
          claimant: "alice",
          requirementsHash: "hash-1",
          payment: input.payment,
          handedOut: false,
          createdAtMs: record.createdAtMs,
          updatedAtMs: record.createdAtMs,
          leaseUntilMs: record.createdAtMs + LONG,
        });
        expect(record.fence).toBeGreaterThan(0);
        expect(await replica.get(input.key)).toStrictEqual(record);
      });

      test("of 200 claims at once exactly one is claimed", async () => {
        const input = claimOf();
        const claims = await Promise.all(
          Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? ledger : replica).claim(input)),
        );
        expect(count(claims, "claimed")).toBe(1);
        expect(count(claims, "held")).toBe(199);
        expect(new Set(claims.map(({ record }) => record.fence)).size).toBe(1);
      });

      test("of 200 claims at once of an abandoned payment exactly one is resumed", async () => {
        const { input, record } = await inState(ledger, "signed", { leaseMs: 0 });
        const claims = await Promise.all(
          Array.from({ length: 200 }, (_, i) =>
            (i % 2 === 0 ? ledger : replica).claim({ ...input, leaseMs: LONG }),
          ),
        );
        expect(count(claims, "resumed")).toBe(1);
        expect(count(claims, "held")).toBe(199);
        expect(claims.every((claim) => claim.record.fence > record.fence)).toBe(true);
      });

      test.each(OPEN)(
        "%s is held while the lease runs, even for the same claimant",
        async (state) => {
          const { input, record } = await inState(ledger, state);
          expect(await replica.claim(input)).toStrictEqual({ status: "held", record });
        },
      );

      test.each(OPEN)(
        "%s is resumed after the lease, as it was left, only by the same for the same",
        async (state) => {
          const { input, record } = await inState(ledger, state, { leaseMs: SHORT });
          await world.advance(SHORT + 5);
          expect(await replica.claim({ ...input, claimant: "bob" })).toStrictEqual({
            status: "held",
            record,
          });
          expect(await replica.claim({ ...input, claimant: "" })).toStrictEqual({
            status: "held",
            record,
          });
          expect(await replica.claim({ ...input, requirementsHash: "2" })).toStrictEqual({
            status: "held",
            record,
          });
          const resumed = await replica.claim({ ...input, payment: "another", leaseMs: LONG });
          expect(resumed.status).toBe("resumed");
          expect(resumed.record.fence).toBeGreaterThan(record.fence);
          const { fence, updatedAtMs, leaseUntilMs } = resumed.record;
          expect(leaseUntilMs).toBe(updatedAtMs + LONG);
          expect(updatedAtMs).toBeGreaterThanOrEqual(record.leaseUntilMs);
          expect(resumed.record).toStrictEqual({ ...record, fence, updatedAtMs, leaseUntilMs });
        },
      );

      test("nobody in particular resumes what nobody in particular claimed", async () => {
        const { input } = await inState(ledger, "signed", { claimant: "", leaseMs: 0 });
        expect((await replica.claim({ ...input, claimant: "alice" })).status).toBe("held");
        expect((await replica.claim(input)).status).toBe("resumed");
      });

      test.each(FINAL)("%s is final for everybody, lease or not", async (state) => {
        const { input, record } = await inState(ledger, state, { leaseMs: 0 });
        for (const claimant of ["alice", "bob", ""]) {
          expect(await replica.claim({ ...input, claimant })).toStrictEqual({
            status: "final",
            record,
          });
        }
      });
    });

    describe("advance", () => {
      test.each(STATES.flatMap((from) => STATES.map((to) => ({ from, to }))))(
        "$from -> $to",
        async ({ from, to }) => {
          const { input, record } = await inState(ledger, from);
          const after = await ledger.advance(input.key, { fence: record.fence, to });
          if (SETTLEMENT_TRANSITIONS[from].includes(to)) {
            expect(after).toStrictEqual({ ...record, state: to, updatedAtMs: after?.updatedAtMs });
            expect(await replica.get(input.key)).toStrictEqual(after);
          } else {
            expect(after).toBeUndefined();
            expect(await replica.get(input.key)).toStrictEqual(record);
          }
        },
      );

      test("keeps what it is not told, replaces what it is, and leaves the lease alone", async () => {
        const { input, record } = await inState(ledger, "claimed");
        const { fence } = record;
        const first = { transaction: "0x01", rawTransaction: "0x02" };
        const signed = await ledger.advance(input.key, { fence, to: "signed", ...first });
        expect(signed).toStrictEqual({
          ...record,
          ...first,
          state: "signed",
          updatedAtMs: signed?.updatedAtMs,
        });
        const again = await ledger.advance(input.key, { fence, to: "signed", transaction: "0x03" });
        expect(again).toMatchObject({
          transaction: "0x03",
          rawTransaction: "0x02",
          leaseUntilMs: record.leaseUntilMs,
        });
        const done = await ledger.advance(input.key, {
          fence,
          to: "confirmed",
          block: "0",
          leaseMs: 5 * LONG,
        });
        expect(done).toMatchObject({ state: "confirmed", transaction: "0x03", block: "0" });
        expect(done?.leaseUntilMs).toBe((done?.updatedAtMs ?? 0) + 5 * LONG);
        expect(done).not.toHaveProperty("reason");
      });

      test("what does not exist is lost", async () => {
        expect(await ledger.advance("nothing", { fence: 1, to: "signed" })).toBeUndefined();
        expect(await ledger.renew("nothing", 1, LONG)).toBe(false);
        expect(await ledger.release("nothing", 1)).toBe(false);
        expect(await ledger.handOut("nothing", "", "hash-1")).toBe(false);
        expect(await ledger.get("nothing")).toBeUndefined();
      });

      test("of 200 at once from the same state exactly one wins", async () => {
        const { input, record } = await inState(ledger, "broadcast");
        const all = await Promise.all(
          Array.from({ length: 200 }, (_, i) =>
            (i % 2 === 0 ? ledger : replica).advance(input.key, {
              fence: record.fence,
              to: "failed",
              reason: `${i}`,
            }),
          ),
        );
        expect(all.filter((after) => after !== undefined)).toHaveLength(1);
      });
    });

    describe("fence", () => {
      test("after a take-over the former holder can write no more", async () => {
        const { input, record } = await inState(ledger, "claimed", { leaseMs: 0 });
        const { record: taken } = await replica.claim({ ...input, leaseMs: LONG });
        for (const to of STATES) {
          expect(await ledger.advance(input.key, { fence: record.fence, to })).toBeUndefined();
        }
        expect(await ledger.renew(input.key, record.fence, LONG)).toBe(false);
        expect(await ledger.release(input.key, record.fence)).toBe(false);
        expect(await replica.get(input.key)).toStrictEqual(taken);
        expect(
          await replica.advance(input.key, { fence: taken.fence, to: "signed" }),
        ).toBeDefined();
      });

      test("a holder whose lease ran out still owns it until somebody takes over", async () => {
        const { input, record } = await inState(ledger, "claimed", { leaseMs: 0 });
        expect(await ledger.renew(input.key, record.fence, LONG)).toBe(true);
        expect((await replica.claim(input)).status).toBe("held");
      });

      test("does not come back when a released payment is claimed again", async () => {
        const { input, record } = await inState(ledger, "claimed");
        expect(await ledger.release(input.key, record.fence)).toBe(true);
        const { status, record: next } = await replica.claim(input);
        expect(status).toBe("claimed");
        expect(next.fence).toBeGreaterThan(record.fence);
        expect(await ledger.release(input.key, record.fence)).toBe(false);
        expect(
          await ledger.advance(input.key, { fence: record.fence, to: "signed" }),
        ).toBeUndefined();
      });

      test("does not come back when an expired payment is claimed again", async () => {
        const { input, record } = await inState(ledger, "signed", { leaseMs: 0, ttlMs: SHORT });
        await world.advance(SHORT + 5);
        const { status, record: next } = await replica.claim(input);
        expect(status).toBe("claimed");
        expect(next.fence).toBeGreaterThan(record.fence);
        expect(
          await ledger.advance(input.key, { fence: record.fence, to: "confirmed" }),
        ).toBeUndefined();
      });
    });

    describe("renew and release", () => {
      test.each(STATES)("%s", async (state) => {
        const open = OPEN.includes(state);
        const { input, record } = await inState(ledger, state, { leaseMs: 0 });
        expect(await ledger.renew(input.key, record.fence + 1, LONG)).toBe(false);
        expect(await ledger.renew(input.key, record.fence, LONG)).toBe(open);
        expect((await replica.claim(input)).status).toBe(open ? "held" : "final");
        expect(await ledger.release(input.key, record.fence + 1)).toBe(false);
        expect(await ledger.release(input.key, record.fence)).toBe(state === "claimed");
        expect((await replica.get(input.key))?.state).toBe(state === "claimed" ? undefined : state);
      });

      test("of 200 releases at once exactly one is told so", async () => {
        const { input, record } = await inState(ledger, "claimed");
        const all = await Promise.all(
          Array.from({ length: 200 }, () => ledger.release(input.key, record.fence)),
        );
        expect(all.filter(Boolean)).toHaveLength(1);
      });
    });

    describe("handOut", () => {
      test("of 200 anonymous callers at once exactly one is told of the success", async () => {
        const { input } = await inState(ledger, "confirmed", { claimant: "" });
        const all = await Promise.all(
          Array.from({ length: 200 }, (_, i) =>
            (i % 2 === 0 ? ledger : replica).handOut(input.key, "", "hash-1"),
          ),
        );
        expect(all.filter(Boolean)).toHaveLength(1);
        expect((await replica.get(input.key))?.handedOut).toBe(true);
        expect(await ledger.handOut(input.key, "", "hash-1")).toBe(false);
      });

      test("the named claimant is told every time, nobody else and for nothing else", async () => {
        const { input, record } = await inState(ledger, "confirmed");
        for (const [claimant, hash] of [
          ["bob", "hash-1"],
          ["", "hash-1"],
          ["alice", "hash-2"],
          ["alice", ""],
        ] as const) {
          expect(await ledger.handOut(input.key, claimant, hash)).toBe(false);
        }
        expect(await ledger.handOut(input.key, "alice", "hash-1")).toBe(true);
        expect(await replica.handOut(input.key, "alice", "hash-1")).toBe(true);
        expect(await replica.get(input.key)).toStrictEqual(record);
      });

      test("a wrong caller does not use up an anonymous success", async () => {
        const { input } = await inState(ledger, "confirmed", { claimant: "" });
        expect(await ledger.handOut(input.key, "alice", "hash-1")).toBe(false);
        expect(await ledger.handOut(input.key, "", "hash-2")).toBe(false);
        expect(await ledger.handOut(input.key, "", "hash-1")).toBe(true);
      });

      test.each(STATES.filter((state) => state !== "confirmed"))(
        "%s is no success",
        async (state) => {
          for (const claimant of ["", "alice"]) {
            const { input, record } = await inState(ledger, state, { claimant });
            expect(await ledger.handOut(input.key, claimant, "hash-1")).toBe(false);
            expect(await ledger.get(input.key)).toStrictEqual(record);
          }
        },
      );
    });

    describe("expiry", () => {
      test.each(STATES)("%s is gone after its time", async (state) => {
        const { input, record } = await inState(ledger, state, { leaseMs: 0, ttlMs: 2 * SHORT });
        await world.advance(2 * SHORT + 5);
        expect(await ledger.get(input.key)).toBeUndefined();
        expect(
          await ledger.advance(input.key, { fence: record.fence, to: "failed" }),
        ).toBeUndefined();
        expect(await ledger.handOut(input.key, input.claimant, "hash-1")).toBe(false);
        expect((await ledger.claim(input)).status).toBe("claimed");
      });

      test("is never brought forward", async () => {
        const { input, record } = await inState(ledger, "claimed", { leaseMs: 0 });
        const { fence } = (await ledger.claim({ ...input, ttlMs: 1 })).record;
        expect(fence).toBeGreaterThan(record.fence);
        await ledger.claim({ ...input, claimant: "bob", ttlMs: 1 });
        await ledger.renew(input.key, fence, 1);
        await ledger.advance(input.key, { fence, to: "signed", leaseMs: 1 });
        await ledger.advance(input.key, { fence, to: "confirmed", leaseMs: 0 });
        await ledger.handOut(input.key, "alice", "hash-1");
        await ledger.claim({ ...input, ttlMs: 1 });
        await world.advance(SHORT);
        expect((await ledger.get(input.key))?.state).toBe("confirmed");
      });

      test("waits for the lease, however the lease came about", async () => {
        const byClaim = claimOf({ ttlMs: SHORT });
        await ledger.claim(byClaim);
        const renewed = await inState(ledger, "signed", { ttlMs: 10 * SHORT, leaseMs: 0 });
        expect(await ledger.renew(renewed.input.key, renewed.record.fence, LONG)).toBe(true);
        const moved = await inState(ledger, "claimed", { ttlMs: 10 * SHORT, leaseMs: 0 });
        const { fence } = moved.record;
        expect(
          await ledger.advance(moved.input.key, { fence, to: "signed", leaseMs: LONG }),
        ).toBeDefined();
        const resumed = await inState(ledger, "claimed", { ttlMs: 10 * SHORT, leaseMs: 0 });
        expect((await ledger.claim({ ...resumed.input, leaseMs: LONG })).status).toBe("resumed");
        await world.advance(11 * SHORT);
        for (const { key } of [byClaim, renewed.input, moved.input, resumed.input]) {
          expect(await ledger.get(key)).toBeDefined();
        }
      });

      test("is put off by who resumes", async () => {
        const { input } = await inState(ledger, "claimed", { ttlMs: 10 * SHORT, leaseMs: 0 });
        expect((await ledger.claim({ ...input, ttlMs: LONG })).status).toBe("resumed");
        await world.advance(11 * SHORT);
        expect(await ledger.get(input.key)).toBeDefined();
      });
    });

    describe("values", () => {
      const odd = [
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

      test.each(odd)("%j survives", async (text) => {
        const input = claimOf({
          key: text,
          claimant: text,
          requirementsHash: text,
          payment: text,
        });
        const { status, record } = await ledger.claim(input);
        expect(status).toBe("claimed");
        const facts = { transaction: text, rawTransaction: text, block: text, reason: text };
        const after = await ledger.advance(text, {
          fence: record.fence,
          to: "confirmed",
          ...facts,
        });
        expect(after).toMatchObject({
          key: text,
          claimant: text,
          requirementsHash: text,
          payment: text,
          ...facts,
        });
        expect(await replica.get(text)).toStrictEqual(after);
        expect(await replica.handOut(text, text, text)).toBe(true);
        expect(await replica.handOut(text, `${text} `, text)).toBe(false);
      });

      test("empty facts stay, absent ones stay absent, 64 KiB fit", async () => {
        const input = claimOf({ requirementsHash: "", payment: "é".repeat(32_768) });
        const { record } = await ledger.claim(input);
        const after = await ledger.advance(input.key, {
          fence: record.fence,
          to: "failed",
          reason: "",
        });
        expect(after).toMatchObject({ reason: "", requirementsHash: "", payment: input.payment });
        expect(Object.keys(after ?? {})).not.toContain("transaction");
      });

      test("what a store could not keep as it is, is the caller's mistake", async () => {
        const { key } = claimOf();
        const wrong: Partial<Parameters<Ledger["claim"]>[0]>[] = [
          { key: "" },
          { key: "\ud800" },
          { claimant: "\udfff" },
          { payment: "a\ud83db" },
          { leaseMs: -1 },
          { leaseMs: 0.5 },
          { leaseMs: Number.NaN },
          { leaseMs: Number.POSITIVE_INFINITY },
          { ttlMs: 0 },
          { ttlMs: 2 ** 53 },
        ];
        for (const change of wrong)
          await expect(ledger.claim(claimOf(change))).rejects.toThrow(TypeError);
        await expect(ledger.advance(key, { fence: 0.5, to: "signed" })).rejects.toThrow(TypeError);
        await expect(
          ledger.advance(key, { fence: 1, to: "failed", reason: "\ud800" }),
        ).rejects.toThrow(TypeError);
        await expect(ledger.renew(key, 1, -1)).rejects.toThrow(TypeError);
        await expect(ledger.release(key, Number.NaN)).rejects.toThrow(TypeError);
        await expect(ledger.handOut(key, "\ud800", "")).rejects.toThrow(TypeError);
        await expect(ledger.get("")).rejects.toThrow(TypeError);
      });

      test("a record that was answered cannot be changed from outside", async () => {
        const { input, record } = await inState(ledger, "claimed");
        const copy = { ...record };
        try {
          Object.assign(record, { claimant: "mallory", state: "confirmed" });
        } catch {
          // Frozen: as well.
        }
        expect(await ledger.get(input.key)).toStrictEqual(copy);
      });
    });

    test(
      "agrees with a simple model on any sequence of operations",
      () => agreesWithModel(world),
      60_000,
    );

    test("check passes, and close refuses everything after it", async () => {
      await expect(ledger.check()).resolves.toBeUndefined();
      const other = await factory();
      try {
        await other.ledger.claim(claimOf());
        await other.ledger.close();
        await other.ledger.close();
        await expect(other.ledger.claim(claimOf())).rejects.toMatchObject({
          code: "ledger_unavailable",
          retry: "safe",
        });
        await expect(other.ledger.check()).rejects.toMatchObject({ code: "ledger_unavailable" });
        await expect(other.ledger.renew("k", 1, 1)).rejects.toMatchObject({ retry: "unsafe" });
      } finally {
        await other.stop();
      }
    });
  });
}

function count(claims: readonly Claim[], status: Claim["status"]): number {
  return claims.filter((claim) => claim.status === status).length;
}
