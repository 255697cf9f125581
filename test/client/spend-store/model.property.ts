import fc from "fast-check";
import { expect } from "vitest";
import type { Spend, SpendLimit, SpendState, SpendStore } from "../../../src/client/spend-store.ts";
import { spendModel } from "./model.ts";
import { clock, LEASE_MS, spendOf, START_MS } from "./world.ts";
import type { SpendWorld } from "./world.ts";

/** Where a payment can come to, as a caller has it. */
const NEXT: Readonly<Record<SpendState, readonly SpendState[]>> = {
  reserved: ["pending", "released"],
  pending: ["pending", "answered", "paid", "rejected", "released"],
  answered: ["answered", "paid", "delivered", "released"],
  rejected: ["pending", "released", "replaced"],
  delivered: ["paid", "released"],
  replaced: ["released"],
  paid: ["released"],
  released: ["paid", "released"],
};

const hosts = fc.constantFrom("a.example", "b.example");
const units = fc.constantFrom("USD", "EURC");
const requests = fc.constantFrom("GET a", "GET b", undefined);
const owners = fc.constantFrom("alice", "bob", "carol");
const payees = fc.constantFrom(`0x${"aB".repeat(20)}`, `0x${"12".repeat(20)}`);
const windows = fc.constantFrom(undefined, 1, 7, 600, 601, 3_600, 86_400, 86_401, 31 * 86_400);
const scopes = fc.constantFrom(
  "total" as const,
  "host:a.example" as const,
  `payee:0x${"ab".repeat(20)}` as const,
);
const steps = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant("reserve" as const),
      spend: fc.record({
        host: hosts,
        unit: units,
        payTo: payees,
        owner: owners,
        value: fc.nat(5),
        leaseMs: fc.constantFrom(0, 1, LEASE_MS, 1e9),
      }),
      request: requests,
      limits: fc.array(
        fc.record({ scope: scopes, unit: units, max: fc.nat(20), windowSeconds: windows }),
        { maxLength: 3 },
      ),
      pin: fc.option(fc.record({ name: hosts, value: payees }), { nil: undefined, freq: 3 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant("update" as const),
      which: fc.nat(20),
      to: fc.nat(4),
      lease: fc.constantFrom(undefined, 0, LEASE_MS),
      withPayload: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("take" as const),
      request: fc.constantFrom("GET a", "GET b"),
      owner: owners,
      takeover: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant("spent" as const),
      scope: scopes,
      unit: units,
      windowSeconds: windows,
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("list" as const), limit: fc.nat(10) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant("tick" as const),
      ms: fc.oneof(
        fc.constantFrom(1, 999, 1000, 60_000, 3_600_000, 86_400_000),
        fc.nat(900_000),
        fc.nat(5_000),
      ),
    }),
  },
);
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

/** Asks stores and the model the same: all of them give the same answers, which the model finds right. */
export async function storesAgreeWithModel(
  factories: readonly (() => Promise<SpendWorld>)[],
  numRuns: number,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 50, size: "max" }), async (sequence) => {
      clock.ms = START_MS;
      const worlds = await Promise.all(factories.map(async (factory) => await factory()));
      const model = spendModel();
      try {
        for (const [index, step] of sequence.entries()) await take(worlds, model, step, index);
      } finally {
        await Promise.all(worlds.map(async (world) => await world.stop()));
      }
    }),
    { numRuns },
  );
}

async function take(
  worlds: readonly SpendWorld[],
  model: ReturnType<typeof spendModel>,
  step: Step,
  index: number,
): Promise<void> {
  const where = (answer: unknown): string => `step ${index} ${step.op}: ${JSON.stringify(answer)}`;
  /** The answer of all. */
  const ask = async <T>(how: (store: SpendStore) => Promise<T>): Promise<T> => {
    const answers = await Promise.all(
      worlds.map(async ({ store, replica }) => await how(index % 2 === 0 ? store : replica)),
    );
    for (const answer of answers) expect(answer, where(answers)).toEqual(answers[0]);
    return answers[0] as T;
  };
  switch (step.op) {
    case "tick":
      clock.ms += step.ms;
      return;
    case "reserve": {
      const { leaseMs, ...rest } = step.spend;
      const request = step.request === undefined ? {} : { request: step.request };
      const leaseUntilMs = leaseMs === 0 ? 0 : clock.ms + leaseMs;
      const spend = spendOf({ ...rest, ...request, leaseUntilMs });
      const limits = step.limits.map(({ windowSeconds, ...limit }): SpendLimit =>
        windowSeconds === undefined ? limit : { ...limit, windowSeconds },
      );
      const answer = await ask(async (store) => await store.reserve(spend, limits, step.pin));
      expect(model.reserve(spend, limits, step.pin, answer), where(answer)).toBeUndefined();
      return;
    }
    case "update": {
      const spend = model.spends[step.which];
      if (spend?.state === "rejected" && spend.expiresAtMs < clock.ms) return;
      const next = NEXT[spend?.state ?? "paid"];
      const change = {
        state: next[step.to % next.length] as SpendState,
        ...(step.lease !== undefined && {
          leaseUntilMs: step.lease === 0 ? 0 : clock.ms + step.lease,
        }),
        ...(step.withPayload && { payload: { list: [] }, headers: { a: "b" }, reason: "because" }),
      };
      const id = spend?.id ?? "nobody";
      const answer = await ask(async (store) => await store.update(id, change));
      expect(answer, where(answer)).toBe(model.update(id, change));
      return;
    }
    case "take":
      await takeEverywhere(worlds, model, step, index);
      return;
    case "spent": {
      const { scope, unit, windowSeconds } = step;
      const sum = await ask(
        async (store) => await store.spent(scope, unit, clock.ms, windowSeconds),
      );
      const { least, most } = model.spent(scope, unit, clock.ms, windowSeconds);
      expect(sum >= least && sum <= most, where([least, sum, most])).toBe(true);
      return;
    }
    default: {
      const all = model.spends.toReversed().slice(0, step.limit);
      const listed = await ask(async (store) =>
        (await store.list({ limit: step.limit })).map(withoutLease),
      );
      expect(listed, where(listed)).toEqual(all.map(withoutLease));
    }
  }
}

/** What is taken is leased for ever where nobody renews; otherwise all agree. */
async function takeEverywhere(
  worlds: readonly SpendWorld[],
  model: ReturnType<typeof spendModel>,
  { request, owner, takeover }: Extract<Step, { op: "take" }>,
  index: number,
): Promise<void> {
  const answers = await Promise.all(
    worlds.map(
      async ({ store }) => await store.take(request, owner, { nowMs: clock.ms, takeover }),
    ),
  );
  const right = model.take(request, owner, clock.ms, takeover, LEASE_MS);
  for (const [i, answer] of answers.entries()) {
    // What was leased for ever is leased like elsewhere, from now on.
    const { name, store } = worlds[i] as SpendWorld;
    const taken = answer !== undefined && "spend" in answer ? answer.spend : undefined;
    if (taken !== undefined && store.leaseMs === undefined)
      await store.update(taken.id, { leaseUntilMs: clock.ms + LEASE_MS });
    const told = taken ? { spend: withoutLease(taken) } : answer;
    const asked = right?.spend ? { spend: withoutLease(right.spend) } : right;
    expect(told, `step ${index} take from ${name}`).toEqual(asked);
  }
}

function withoutLease(spend: Spend): Partial<Spend> {
  const { leaseUntilMs, ...rest } = spend;
  expect(leaseUntilMs).toBeGreaterThanOrEqual(0);
  return rest;
}
