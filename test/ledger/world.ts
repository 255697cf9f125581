import { setTimeout as sleep } from "node:timers/promises";
import type { LaneTransaction } from "../../src/ledger/lanes.ts";
import type {
  ClaimInput,
  Hold,
  Ledger,
  SettlementRecord,
  SettlementState,
  Transition,
} from "../../src/ledger/ledger.ts";
import { SETTLEMENT_TRANSITIONS } from "../../src/ledger/ledger.ts";

/** A ledger to be tested, and its clock. */
export interface LedgerWorld {
  readonly ledger: Ledger;
  /** Another handle on the same records, as another replica has. */
  readonly replica: Ledger;
  /** Lets so much time pass by the store's clock. */
  readonly advance: (ms: number) => Promise<void>;
  /** The store's clock, where nothing but `advance` lets time pass. */
  readonly nowMs?: () => number;
  readonly stop: () => Promise<void>;
}

export const LONG = 60_000;
export const SHORT = 60;
export const STATES = Object.keys(SETTLEMENT_TRANSITIONS) as SettlementState[];

let counter = 0;

/** A name that no other test knows. */
export function unique(what: string): string {
  return `${what}-${process.pid}-${++counter}`;
}

/** A claim of a payment that no other test knows, by a call of its own. */
export function claimOf(change: Partial<ClaimInput> = {}): ClaimInput {
  return {
    key: unique("payment"),
    claimant: "alice",
    requirementsHash: "hash-1",
    payment: '{"amount":"1"}',
    token: unique("token"),
    leaseMs: LONG,
    ttlMs: 10 * LONG,
    ...change,
  };
}

/** The same payment, asked for by another call. */
export function again(input: ClaimInput, change: Partial<ClaimInput> = {}): ClaimInput {
  return { ...input, token: unique("token"), ...change };
}

/** A hold of 1 of 10 on an account that no other test knows. */
export function holdOf(change: Partial<Hold> = {}): Hold {
  return {
    account: unique("account"),
    id: unique("hold"),
    amount: 1n,
    available: 10n,
    ttlMs: LONG,
    ...change,
  };
}

export function transactionOf(change: Partial<LaneTransaction> = {}): LaneTransaction {
  return { version: 1, hash: unique("0x"), raw: "0x02", nonce: 0, members: ["a", "b"], ...change };
}

/** The shortest way from `claimed` to a state, by the table. */
export function pathTo(state: SettlementState): SettlementState[] {
  const paths: SettlementState[][] = [["claimed"]];
  for (const path of paths) {
    const last = path.at(-1) ?? "claimed";
    if (last === state) return path.slice(1);
    paths.push(
      ...SETTLEMENT_TRANSITIONS[last].filter((to) => !path.includes(to)).map((to) => [...path, to]),
    );
  }
  throw new Error(`no way to ${state}`);
}

/** Advances a record. What it is after; nothing when it was refused. */
export async function advanced(
  ledger: Ledger,
  key: string,
  transition: Transition,
): Promise<SettlementRecord | undefined> {
  return (await ledger.advance(key, transition)) ? await ledger.get(key) : undefined;
}

/** Claims a new payment and brings it to a state. */
export async function inState(
  ledger: Ledger,
  state: SettlementState,
  change: Partial<ClaimInput> = {},
) {
  const input = claimOf(change);
  let { record } = await ledger.claim(input);
  for (const to of pathTo(state)) {
    const after = await advanced(ledger, input.key, { fence: record.fence, to });
    if (after === undefined) throw new Error(`cannot reach ${to}`);
    record = after;
  }
  return { input, record };
}

/** Asks 200 times at once, both handles of the world in turn. */
export async function crowd<T>(
  { ledger, replica }: LedgerWorld,
  ask: (ledger: Ledger, index: number) => Promise<T>,
): Promise<T[]> {
  const handles = Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? ledger : replica));
  return await Promise.all(handles.map(async (handle, i) => await ask(handle, i)));
}

/** Asks until it succeeds, and says after how many milliseconds it did. */
export async function eventually(ask: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  while (performance.now() - started < 8_000) {
    try {
      await ask();
      break;
    } catch {
      await sleep(20);
    }
  }
  return performance.now() - started;
}
