import type { ClaimInput, Ledger, SettlementState } from "../../src/ledger/ledger.ts";
import { SETTLEMENT_TRANSITIONS } from "../../src/ledger/ledger.ts";

/** A ledger to be tested, and its clock. */
export interface LedgerWorld {
  readonly ledger: Ledger;
  /** Another handle on the same records, as another replica has. */
  readonly replica: Ledger;
  /** Lets so much time pass by the store's clock. */
  readonly advance: (ms: number) => Promise<void>;
  /** Whether `advance` passes time exactly, and time stands still otherwise. */
  readonly exactClock: boolean;
  readonly stop: () => Promise<void>;
}

export const LONG = 60_000;
export const SHORT = 60;
export const STATES = Object.keys(SETTLEMENT_TRANSITIONS) as SettlementState[];

let counter = 0;

/** A claim of a payment that no other test knows. */
export function claimOf(change: Partial<ClaimInput> = {}): ClaimInput {
  return {
    key: `payment-${process.pid}-${++counter}`,
    claimant: "alice",
    requirementsHash: "hash-1",
    payment: '{"amount":"1"}',
    leaseMs: LONG,
    ttlMs: 10 * LONG,
    ...change,
  };
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

/** Claims a new payment and brings it to a state. */
export async function inState(
  ledger: Ledger,
  state: SettlementState,
  change: Partial<ClaimInput> = {},
) {
  const input = claimOf(change);
  let { record } = await ledger.claim(input);
  for (const to of pathTo(state)) {
    const after = await ledger.advance(input.key, { fence: record.fence, to });
    if (after === undefined) throw new Error(`cannot reach ${to}`);
    record = after;
  }
  return { input, record };
}
