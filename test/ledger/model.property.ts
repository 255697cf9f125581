import fc from "fast-check";
import { expect } from "vitest";
import type { Ledger, SettlementRecord } from "../../src/ledger/ledger.ts";
import { ledgerModel } from "./model.ts";
import type { ModelRecord, Step } from "./model.ts";
import { claimOf, LONG, STATES } from "./world.ts";
import type { LedgerWorld } from "./world.ts";

/**
 * Asks the ledger and the model the same and compares the answers. Every store that agrees with the model agrees with
 * the others. With a clock of its own the ledger also sees time pass; else leases have run out at once, or never do.
 */
export async function agreesWithModel(world: LedgerWorld): Promise<void> {
  const steps = fc.array(step(world.exactClock), { minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const model = ledgerModel();
      const names = new Map<string, string>(); // of this run only
      const fences = new Map<string, number[]>();
      for (const [index, asked] of sequence.entries()) {
        const owner = "key" in asked ? model.owner(asked.key) : 0;
        const expected = model.answer(asked);
        const ledger = index % 2 === 0 ? world.ledger : world.replica;
        expect(
          await ask(world, ledger, asked, owner, names, fences),
          `step ${index}`,
        ).toStrictEqual(expected);
      }
    }),
    { numRuns: world.exactClock ? 500 : 150 },
  );
}

async function ask(
  world: LedgerWorld,
  ledger: Ledger,
  asked: Step,
  owner: number,
  names: Map<string, string>,
  fences: Map<string, number[]>,
): Promise<unknown> {
  if (asked.op === "tick") return await world.advance(asked.ms);
  const key = names.get(asked.key) ?? claimOf().key;
  names.set(asked.key, key);
  const known = fences.get(key) ?? [];
  fences.set(key, known);
  const fence = "age" in asked ? (known[owner - asked.age - 1] ?? -1) : 0;
  const seen = (record: SettlementRecord): ModelRecord => ({
    state: record.state,
    owner: known.indexOf(record.fence) + 1,
    claimant: record.claimant,
    hash: record.requirementsHash,
    reason: record.reason,
    handedOut: record.handedOut,
  });
  switch (asked.op) {
    case "claim": {
      const { claimant, hash: requirementsHash, leaseMs, ttlMs } = asked;
      const { status, record } = await ledger.claim({
        key,
        claimant,
        requirementsHash,
        payment: "{}",
        leaseMs,
        ttlMs,
      });
      if (status === "claimed" || status === "resumed") {
        expect(record.fence).toBeGreaterThan(known.at(-1) ?? 0);
        known.push(record.fence);
      }
      return [status, seen(record)];
    }
    case "advance": {
      const { to, leaseMs, reason } = asked;
      const optional = {
        ...(leaseMs === undefined ? {} : { leaseMs }),
        ...(reason === undefined ? {} : { reason }),
      };
      const record = await ledger.advance(key, { fence, to, ...optional });
      return record === undefined ? undefined : seen(record);
    }
    case "renew":
      return await ledger.renew(key, fence, asked.leaseMs);
    case "release":
      return await ledger.release(key, fence);
    case "handOut":
      return await ledger.handOut(key, asked.claimant, asked.hash);
    default: {
      const record = await ledger.get(key);
      return record === undefined ? undefined : seen(record);
    }
  }
}

function step(exactClock: boolean): fc.Arbitrary<Step> {
  const key = fc.constantFrom("k1", "k2");
  const claimant = fc.constantFrom("", "alice");
  const hash = fc.constantFrom("r1", "r1", "r2");
  const age = fc.constantFrom(0, 0, 0, 1, 2);
  const leaseMs = exactClock ? fc.constantFrom(0, 1, 10, 100) : fc.constantFrom(0, LONG);
  const ttlMs = exactClock
    ? fc.constantFrom(1, 10, 50, 1_000)
    : fc.constantFrom(2 * LONG, 3 * LONG);
  const reason = fc.constantFrom("one", "two");
  const claim = fc.record({
    op: fc.constant("claim" as const),
    key,
    claimant,
    hash,
    leaseMs,
    ttlMs,
  });
  const advance = fc.record(
    {
      op: fc.constant("advance" as const),
      key,
      age,
      to: fc.constantFrom(...STATES),
      leaseMs,
      reason,
    },
    { requiredKeys: ["op", "key", "age", "to"] },
  );
  return fc.oneof(
    { weight: 4, arbitrary: claim },
    { weight: 5, arbitrary: advance },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("renew" as const), key, age, leaseMs }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("release" as const), key, age }) },
    {
      weight: 2,
      arbitrary: fc.record({ op: fc.constant("handOut" as const), key, claimant, hash }),
    },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("get" as const), key }) },
    ...(exactClock
      ? [
          {
            weight: 3,
            arbitrary: fc.record({
              op: fc.constant("tick" as const),
              ms: fc.constantFrom(1, 9, 60, 2_000),
            }),
          },
        ]
      : []),
  );
}
