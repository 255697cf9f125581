import fc from "fast-check";
import type { Step } from "./model.ts";
import { LONG, STATES } from "./world.ts";

/**
 * Any step. With a clock of its own a ledger also sees time pass; else leases have run out at once, or never do, and
 * nothing expires.
 */
export function anyStep(exactClock: boolean): fc.Arbitrary<Step> {
  const key = fc.constantFrom("k1", "k2");
  const claimant = fc.constantFrom("", "alice");
  const hash = fc.constantFrom("r1", "r1", "r2");
  const token = fc.constantFrom("t1", "t2", "t3");
  const age = fc.constantFrom(0, 0, 0, 1, 2);
  const leaseMs = exactClock ? fc.constantFrom(0, 1, 10, 100) : fc.constantFrom(0, LONG);
  const ttlMs = exactClock
    ? fc.constantFrom(1, 10, 50, 1_000)
    : fc.constantFrom(2 * LONG, 3 * LONG);
  const op = <T extends string>(name: T) => fc.constant(name);
  const fact = fc.option(fc.constantFrom("one", "two"), { nil: undefined, freq: 1 });
  const to = fc.constantFrom(...STATES, "signed" as const, "confirmed" as const);

  const records = [
    fc.record({ op: op("claim"), key, claimant, hash, token, leaseMs, ttlMs }),
    fc
      .record({
        op: op("advance"),
        key,
        age,
        to,
        reopens: fact,
        transaction: fact,
        reason: fact,
        block: fact,
      })
      .map(({ reopens, transaction, reason, block, ...rest }) => ({
        ...rest,
        ...(reopens !== undefined && { reopens }),
        ...(transaction !== undefined && { transaction }),
        ...(reason !== undefined && { reason }),
        ...(block !== undefined && { block }),
      })),
    fc.record({ op: op("renew"), key, age, leaseMs }),
    fc.record({ op: op("release"), key, age }),
    fc.record({ op: op("handOut"), key, claimant, hash, token }),
    fc.record({ op: op("get"), key }),
  ];

  const account = fc.constantFrom("a1", "a2");
  const id = fc.constantFrom("h1", "h2", "h3");
  const most = 2n ** 256n - 1n;
  const amount = fc.oneof(
    fc.constantFrom(0n, 1n, 10n ** 14n - 1n, 10n ** 14n, 2n ** 53n + 1n, 2n ** 255n, most),
    fc.bigInt({ min: 0n, max: 10n ** 15n }),
    fc.bigInt({ min: 0n, max: most }),
  );
  const available = fc.oneof(amount, fc.constant(2n * 10n ** 14n), fc.constant(most));
  const holds = [
    fc.record({ op: op("hold"), account, id, amount, available, ttlMs }),
    fc.record({ op: op("unhold"), account, id }),
  ];

  const lane = fc.constantFrom("l1", "l2");
  const owner = fc.constantFrom("me", "you");
  const transaction = fc.constantFrom("x1", "x2", "x3", "x4");
  const nonce = fc.constantFrom(0, 1, 2);
  const lanes = [
    fc.record({ op: op("acquire"), lane, owner, leaseMs }),
    fc.record({ op: op("renewLane"), lane, age, leaseMs }),
    fc.record({ op: op("releaseLane"), lane, age }),
    fc.record({ op: op("record"), lane, age, hash: transaction, nonce }),
    fc.record({ op: op("retire"), lane, age, hashes: fc.array(transaction, { maxLength: 2 }) }),
    fc.record({ op: op("open"), lane }),
  ];

  const tick = fc.record({ op: op("tick"), ms: fc.constantFrom(1, 9, 60, 2_000) });
  const weighted = (weights: number[], steps: fc.Arbitrary<Step>[]) =>
    steps.map((arbitrary, i) => ({ weight: weights[i] ?? 1, arbitrary }));
  return fc.oneof(
    ...weighted([4, 6, 1, 1, 2, 1], records),
    ...weighted([5, 1], holds),
    ...weighted([3, 1, 1, 3, 1, 1], lanes),
    ...weighted([4], exactClock ? [tick] : []),
  );
}
