import { describe, expect, test } from "vitest";
import type { Claim } from "../../src/ledger/ledger.ts";
import { FINAL_STATES } from "../../src/ledger/ledger.ts";
import { again, claimOf, crowd, inState, LONG, SHORT, STATES } from "./world.ts";
import type { LedgerWorld } from "./world.ts";

/** What every ledger does about claims, and about the leases and fences of claimed payments. */
export function claimContract(world: LedgerWorld): void {
  describe("claim", () => {
    test("a new payment is claimed, with nothing in the record that was not given", async () => {
      const input = claimOf();
      const { status, record } = await world.ledger.claim(input);
      expect(status).toBe("claimed");
      expect(record).toStrictEqual({
        version: 1,
        key: input.key,
        state: "claimed",
        fence: record.fence,
        claimant: "alice",
        requirementsHash: "hash-1",
        payment: input.payment,
        token: input.token,
        handedOutTo: "",
        createdAtMs: record.createdAtMs,
        leaseUntilMs: record.createdAtMs + LONG,
      });
      expect(record.fence).toBeGreaterThan(0);
      expect(await world.replica.get(input.key)).toStrictEqual(record);
    });

    test("of 200 claims at once exactly one is claimed", async () => {
      const input = claimOf();
      const claims = await crowd(world, (ledger) => ledger.claim(again(input)));
      expect(count(claims, "claimed")).toBe(1);
      expect(count(claims, "held")).toBe(199);
      expect(new Set(claims.map(({ record }) => record.fence)).size).toBe(1);
    });

    test("of 200 claims at once of an abandoned payment exactly one is claimed", async () => {
      const { input, record } = await inState(world.ledger, "claimed", { leaseMs: 0 });
      const claims = await crowd(world, (ledger) => ledger.claim(again(input, { leaseMs: LONG })));
      expect(count(claims, "claimed")).toBe(1);
      expect(count(claims, "held")).toBe(199);
      expect(claims.every((claim) => claim.record.fence > record.fence)).toBe(true);
    });

    test("the same call is answered the same however often it is repeated", async () => {
      const input = claimOf();
      const claims = await crowd(world, (ledger) => ledger.claim(input));
      for (const claim of claims) expect(claim).toStrictEqual(claims[0]);
      expect(claims[0]?.status).toBe("claimed");
      await world.advance(5);
      expect(await world.replica.claim(input)).toStrictEqual(claims[0]);
      expect((await world.replica.claim(again(input))).status).toBe("held");
    });

    test("the same call again after its lease is still the owner, with a new lease", async () => {
      const { input, record } = await inState(world.ledger, "claimed", { leaseMs: SHORT });
      await world.advance(SHORT + 5);
      const { status, record: now } = await world.replica.claim({ ...input, leaseMs: LONG });
      expect(status).toBe("claimed");
      const { leaseUntilMs } = now;
      expect(now).toStrictEqual({ ...record, leaseUntilMs });
      expect(leaseUntilMs).toBeGreaterThanOrEqual(record.leaseUntilMs + LONG);
      expect((await world.ledger.claim(again(input))).status).toBe("held");
    });

    test("the same call again is held when another has taken over, or it was for another", async () => {
      const { input } = await inState(world.ledger, "claimed", { leaseMs: 0 });
      for (const change of [{ claimant: "bob" }, { claimant: "" }, { requirementsHash: "2" }]) {
        expect((await world.replica.claim({ ...input, ...change })).status).toBe("held");
      }
      const taken = await world.replica.claim(again(input, { leaseMs: LONG }));
      expect(await world.ledger.claim(input)).toStrictEqual({ ...taken, status: "held" });
    });

    test("is held while the lease runs, even for the same claimant", async () => {
      const { input, record } = await inState(world.ledger, "claimed");
      expect(await world.replica.claim(again(input))).toStrictEqual({ status: "held", record });
    });

    test("is taken over after the lease, as it was left, only by the same for the same", async () => {
      const { input, record } = await inState(world.ledger, "claimed", { leaseMs: SHORT });
      await world.advance(SHORT + 5);
      for (const change of [{ claimant: "bob" }, { claimant: "" }, { requirementsHash: "2" }]) {
        const held = { status: "held", record };
        expect(await world.replica.claim(again(input, change))).toStrictEqual(held);
      }
      const next = again(input, { payment: "another", leaseMs: LONG });
      const { status, record: taken } = await world.replica.claim(next);
      expect(status).toBe("claimed");
      const { fence, leaseUntilMs } = taken;
      expect(taken).toStrictEqual({ ...record, fence, leaseUntilMs, token: next.token });
      expect(fence).toBeGreaterThan(record.fence);
      expect(leaseUntilMs).toBeGreaterThanOrEqual(record.leaseUntilMs + LONG);
    });

    test("nobody in particular takes over what nobody in particular claimed", async () => {
      const { input } = await inState(world.ledger, "claimed", { claimant: "", leaseMs: 0 });
      expect((await world.replica.claim(again(input, { claimant: "alice" }))).status).toBe("held");
      expect((await world.replica.claim(again(input))).status).toBe("claimed");
    });

    test("signed is held for everybody, lease or not, and for the call that claimed it", async () => {
      const { input, record } = await inState(world.ledger, "signed", { leaseMs: 0 });
      for (const ask of [input, again(input), again(input, { claimant: "" })]) {
        expect(await world.replica.claim(ask)).toStrictEqual({ status: "held", record });
      }
    });

    test.each([...FINAL_STATES])("%s is final for everybody, lease or not", async (state) => {
      const { input, record } = await inState(world.ledger, state, { leaseMs: 0 });
      for (const ask of [input, again(input), again(input, { claimant: "bob" })]) {
        expect(await world.replica.claim(ask)).toStrictEqual({ status: "final", record });
      }
    });
  });

  describe("fence", () => {
    test("after a take-over the former holder can write no more", async () => {
      const { input, record } = await inState(world.ledger, "claimed", { leaseMs: 0 });
      const { record: taken } = await world.replica.claim(again(input, { leaseMs: LONG }));
      const { key } = input;
      for (const to of STATES) {
        expect(await world.ledger.advance(key, { fence: record.fence, to })).toBe(false);
      }
      expect(await world.ledger.renew(key, record.fence, LONG)).toBe(false);
      expect(await world.ledger.release(key, record.fence)).toBe(false);
      expect(await world.replica.get(key)).toStrictEqual(taken);
      expect(await world.replica.advance(key, { fence: taken.fence, to: "signed" })).toBe(true);
      expect(await world.ledger.advance(key, { fence: record.fence, to: "signed" })).toBe(false);
    });

    test("a holder whose lease ran out still owns it until somebody takes over", async () => {
      const { input, record } = await inState(world.ledger, "claimed", { leaseMs: 0 });
      expect(await world.ledger.renew(input.key, record.fence, LONG)).toBe(true);
      expect((await world.replica.claim(again(input))).status).toBe("held");
    });

    test("does not come back when a released payment is claimed again", async () => {
      const { input, record } = await inState(world.ledger, "claimed");
      const { fence } = record;
      expect(await world.ledger.release(input.key, fence)).toBe(true);
      const { status, record: next } = await world.replica.claim(again(input));
      expect(status).toBe("claimed");
      expect(next.fence).toBeGreaterThan(fence);
      expect((await world.ledger.claim(input)).status).toBe("held");
      expect(await world.ledger.release(input.key, fence)).toBe(false);
      expect(await world.ledger.advance(input.key, { fence, to: "signed" })).toBe(false);
    });

    test("does not come back when an expired payment is claimed again", async () => {
      const { input, record } = await inState(world.ledger, "signed", { leaseMs: 0, ttlMs: SHORT });
      await world.advance(SHORT + 5);
      const { status, record: next } = await world.replica.claim(input);
      expect(status).toBe("claimed");
      expect(next.fence).toBeGreaterThan(record.fence);
      const late = { fence: record.fence, to: "confirmed" as const };
      expect(await world.ledger.advance(input.key, late)).toBe(false);
    });
  });

  describe("renew and release", () => {
    test.each(STATES)("%s", async (state) => {
      const claimed = state === "claimed";
      const { input, record } = await inState(world.ledger, state, { leaseMs: 0 });
      const { fence } = record;
      expect(await world.ledger.renew(input.key, fence + 1, LONG)).toBe(false);
      expect(await world.ledger.renew(input.key, fence, LONG)).toBe(claimed);
      if (claimed) expect((await world.replica.claim(again(input))).status).toBe("held");
      else expect(await world.replica.get(input.key)).toStrictEqual(record);
      expect(await world.ledger.release(input.key, fence + 1)).toBe(false);
      expect(await world.ledger.release(input.key, fence)).toBe(claimed);
      expect((await world.replica.get(input.key))?.state).toBe(claimed ? undefined : state);
    });

    test("of 200 releases at once exactly one is told so", async () => {
      const { input, record } = await inState(world.ledger, "claimed");
      const all = await crowd(world, (ledger) => ledger.release(input.key, record.fence));
      expect(all.filter(Boolean)).toHaveLength(1);
    });
  });
}

function count(claims: readonly Claim[], status: Claim["status"]): number {
  return claims.filter((claim) => claim.status === status).length;
}
