import fc from "fast-check";
import { expect } from "vitest";
import type { ClaimChange, ClaimStore } from "../../src/ledger/claims.ts";
import { claimsModel } from "./claims-model.ts";
import type { ClaimsStep } from "./claims-model.ts";
import { bytesOf, newClaim, responseOf } from "./claims-world.ts";
import type { ClaimsWorld } from "./claims-world.ts";
import { LONG, unique } from "./world.ts";

/**
 * Asks the store and the model the same and compares the answers. Every store that agrees with the model agrees with
 * the others.
 */
export async function claimsAgreeWithModel(world: ClaimsWorld): Promise<void> {
  const steps = fc.array(anyStep(world), { maxLength: 60, size: "max" });
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const model = claimsModel();
      const ask = newRun(world);
      for (const [index, step] of sequence.entries()) {
        const store = index % 2 === 0 ? world.store : world.replica;
        expect(await ask(store, step), `step ${index}`).toEqual(model.answer(step));
      }
    }),
    { numRuns: world.exactClock ? 1_000 : 100 },
  );
}

/** Several holders, few keys, so that they meet. Without an exact clock nothing expires. */
function anyStep({ exactClock, lapse }: ClaimsWorld): fc.Arbitrary<ClaimsStep> {
  const key = fc.constantFrom("k1", "k2");
  const holder = fc.constantFrom("a", "b", "c");
  const ttlMs = exactClock ? fc.constantFrom(1, 10, 100) : fc.constant(LONG);
  const state = fc.constantFrom("claimed" as const, "served" as const, "settled" as const);
  const claim = fc
    .record({ state, runs: fc.nat(3) })
    .map((change) => newClaim({ ...change, idempotencyKey: "i" }));
  const body = fc.constantFrom(null, bytesOf(0), bytesOf(3), bytesOf(300));
  const response = fc.option(
    body.map((bytes) => responseOf({ body: bytes })),
    { nil: undefined },
  );
  const receipt = fc.constantFrom(undefined, {
    success: true,
    transaction: "0x1",
    network: "eip155:1",
  });
  const via = fc.constantFrom(undefined, "them", "us");
  const change: fc.Arbitrary<ClaimChange> = fc.record(
    { state, runs: fc.nat(3), via, receipt, response, delivered: fc.boolean() },
    { requiredKeys: [] },
  );
  const op = <T extends string>(name: T) => fc.constant(name);
  const steps: [number, fc.Arbitrary<ClaimsStep>][] = [
    [3, fc.record({ op: op("claim"), key, holder, claim, ttlMs })],
    [4, fc.record({ op: op("resume"), key, holder })],
    [
      8,
      fc.record({
        op: op("write"),
        key,
        holder,
        change,
        letGo: fc.boolean(),
        ttlMs: fc.option(ttlMs, { nil: undefined }),
      }),
    ],
    [2, fc.record({ op: fc.constantFrom("renew" as const, "forget" as const), key, holder })],
    [2, fc.record({ op: op("get"), key })],
    [1, fc.record({ op: op("identify"), identifier: fc.constantFrom("i1", "i2"), key, ttlMs })],
    [
      3,
      exactClock
        ? fc.record({ op: op("tick"), ms: fc.constantFrom(1, 9, 60) })
        : fc.constant({ op: "get", key: "k1" }),
    ],
    [3, lapse ? fc.record({ op: op("lapse"), key }) : fc.constant({ op: "get", key: "k2" })],
  ];
  return fc.oneof(...steps.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

/** Asks a store what a step says, with names of its own and the token that the holder got last. */
function newRun(world: ClaimsWorld) {
  const run = unique("run");
  const tokens = new Map<string, string>();

  return async (store: ClaimStore, step: ClaimsStep): Promise<unknown> => {
    if (step.op === "tick") return await world.advance(step.ms);
    const key = `${step.key} ${run}`;
    if (step.op === "identify") {
      const bound = await store.identify(`${step.identifier} ${run}`, key, step.ttlMs);
      return bound.replace(` ${run}`, "");
    }
    if (!("holder" in step))
      return step.op === "get" ? await store.get(key) : await world.lapse?.(key);
    const name = `${step.key} ${step.holder}`;
    const token = tokens.get(name) ?? "never";
    switch (step.op) {
      case "claim": {
        const got = await store.claim(key, step.claim, step.ttlMs);
        if (got !== undefined) tokens.set(name, got);
        return got !== undefined;
      }
      case "resume": {
        const got = await store.resume(key);
        if (got !== undefined) tokens.set(name, got.token);
        return got?.claim;
      }
      case "write": {
        const { change, letGo, ttlMs } = step;
        const options = ttlMs === undefined ? { letGo } : { letGo, ttlMs };
        return await store.write(key, token, change, options);
      }
      case "renew":
        return await store.renew(key, token);
      default:
        return await store.forget(key, token);
    }
  };
}
