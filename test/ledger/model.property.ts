import fc from "fast-check";
import { expect } from "vitest";
import type { Ledger, SettlementRecord } from "../../src/ledger/ledger.ts";
import { anyStep } from "./model-steps.ts";
import { ledgerModel } from "./model.ts";
import type { ModelRecord, Step } from "./model.ts";
import { advanced, transactionOf, unique } from "./world.ts";
import type { LedgerWorld } from "./world.ts";

/**
 * Asks the ledger and the model the same and compares the answers. Every store that agrees with the model agrees with
 * the others.
 */
export async function agreesWithModel(world: LedgerWorld): Promise<void> {
  const exactClock = world.nowMs !== undefined;
  const steps = fc.array(anyStep(exactClock), { maxLength: 80, size: "max" });
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const model = ledgerModel();
      const run = newRun(world);
      for (const [index, step] of sequence.entries()) {
        const owners = model.owners(step);
        const expected = model.answer(step);
        const ledger = index % 2 === 0 ? world.ledger : world.replica;
        const answer = await ask(run, ledger, step, owners);
        expect(answer, `step ${index}`).toStrictEqual(exactClock ? expected : timeless(expected));
      }
    }),
    { numRuns: exactClock ? 1_000 : 150 },
  );
}

interface Run {
  readonly world: LedgerWorld;
  /** The name in the ledger of a payment, account or lane of the model. */
  readonly name: (text: string) => string;
  /** Every fence that this payment or lane has had, in order. */
  readonly fences: (text: string) => number[];
  readonly startMs: number;
}

function newRun(world: LedgerWorld): Run {
  const names = new Map<string, string>();
  const fences = new Map<string, number[]>();
  const found = <V>(map: Map<string, V>, key: string, make: () => V): V => {
    const value = map.get(key) ?? make();
    map.set(key, value);
    return value;
  };
  return {
    world,
    name: (text) => found(names, text, () => unique(text)),
    fences: (text) => found(fences, text, () => []),
    startMs: world.nowMs?.() ?? 0,
  };
}

async function ask(run: Run, ledger: Ledger, step: Step, owners: number): Promise<unknown> {
  if (step.op === "tick") return await run.world.advance(step.ms);
  if ("account" in step) {
    const account = run.name(step.account);
    if (step.op === "hold") return await ledger.hold({ ...step, account });
    return await ledger.unhold(account, step.id);
  }
  const subject = "key" in step ? step.key : step.lane;
  const name = run.name(subject);
  const known = run.fences(subject);
  const fence = "age" in step ? (known[owners - step.age - 1] ?? -1) : 0;
  const ownerOf = (current: number): number => {
    if (!known.includes(current)) {
      expect(current).toBeGreaterThan(known.at(-1) ?? 0);
      known.push(current);
    }
    return known.indexOf(current) + 1;
  };
  const seen = (record: SettlementRecord | undefined) =>
    record && seenRecord(run, record, ownerOf(record.fence));
  switch (step.op) {
    case "claim": {
      const { hash: requirementsHash, op: _op, ...rest } = step;
      const input = { ...rest, key: name, requirementsHash, payment: "{}" };
      const { status, record } = await ledger.claim(input);
      return [status, seen(record)];
    }
    case "advance": {
      const { op: _op, key: _key, age: _age, ...transition } = step;
      return seen(await advanced(ledger, name, { fence, ...transition }));
    }
    case "renew":
      return await ledger.renew(name, fence, step.leaseMs);
    case "release":
      return await ledger.release(name, fence);
    case "handOut":
      return await ledger.handOut(name, step.claimant, step.hash, step.token);
    case "get":
      return seen(await ledger.get(name));
    case "acquire": {
      const current = await ledger.lanes.acquire(name, step.owner, step.leaseMs);
      return current && ownerOf(current);
    }
    case "renewLane":
      return await ledger.lanes.renew(name, fence, step.leaseMs);
    case "releaseLane":
      return await ledger.lanes.release(name, fence);
    case "record":
      return await ledger.lanes.record(
        name,
        fence,
        transactionOf({ hash: step.hash, nonce: step.nonce }),
      );
    case "retire":
      return await ledger.lanes.retire(name, fence, step.hashes);
    default:
      return (await ledger.lanes.open(name)).map(({ hash, nonce }) => ({ hash, nonce }));
  }
}

function seenRecord({ world, startMs }: Run, record: SettlementRecord, owner: number): unknown {
  const { state, claimant, requirementsHash: hash, token, handedOutTo } = record;
  const since = (ms: number | undefined) => (ms === undefined ? undefined : ms - startMs);
  const seen: ModelRecord = {
    state,
    owner,
    claimant,
    hash,
    token,
    transaction: record.transaction,
    reason: record.reason,
    block: record.block,
    handedOutTo,
    created: record.createdAtMs - startMs,
    signed: since(record.signedAtMs),
    finished: since(record.finishedAtMs),
    leaseUntil: record.leaseUntilMs - startMs,
  };
  return world.nowMs === undefined ? timeless(seen) : seen;
}

/** Says of times only whether there is one. */
function timeless(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(timeless);
  if (typeof answer !== "object" || answer === null || !("created" in answer)) return answer;
  const { signed, finished, ...rest } = answer as ModelRecord;
  const there = { signed: signed !== undefined, finished: finished !== undefined };
  return { ...rest, ...there, created: true, leaseUntil: true };
}
