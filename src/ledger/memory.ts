import {
  assertClaimant,
  assertClaimInput,
  assertKey,
  assertOwner,
  assertRenewal,
  assertTransition,
  TRANSITION_FIELDS,
} from "./input.ts";
import { SETTLEMENT_TRANSITIONS } from "./ledger.ts";
import type { Claim, ClaimInput, Ledger, SettlementRecord, Transition } from "./ledger.ts";
import { isFinal, isTheirs, newRecord } from "./record.ts";
import { ledgerUnavailable } from "./unavailable.ts";
import type { LedgerOperation } from "./unavailable.ts";

/** How many entries each operation looks at for expired ones; more than one, so that sweeping outruns claiming. */
const SWEPT_PER_OPERATION = 2;

interface Entry {
  record: SettlementRecord;
  expiresAtMs: number;
}

/**
 * A ledger in the memory of one process, for tests and for a single embedded facilitator. It forgets everything
 * when the process ends; after that only the chain's own nonces prevent a second settlement.
 */
export function memoryLedger(options: { now?: () => number } = {}): Ledger {
  const now = options.now ?? Date.now;
  const entries = new Map<string, Entry>();
  let sweeper = entries.entries();
  let closed = false;
  let lastFence = 0; // never used twice, not even by a record that was released and claimed again

  function sweep(nowMs: number): void {
    for (let i = 0; i < SWEPT_PER_OPERATION; i++) {
      const step = sweeper.next();
      if (step.done) {
        sweeper = entries.entries();
        return;
      }
      if (step.value[1].expiresAtMs <= nowMs) entries.delete(step.value[0]);
    }
  }

  function assertOpen(operation: LedgerOperation): void {
    if (closed) throw ledgerUnavailable(operation, "the ledger is closed", false);
  }

  function find(operation: LedgerOperation, key: string, nowMs: number): Entry | undefined {
    assertOpen(operation);
    sweep(nowMs);
    const entry = entries.get(key);
    if (entry === undefined || entry.expiresAtMs > nowMs) return entry;
    entries.delete(key);
    return undefined;
  }

  /** The entry, if this fence still owns it. */
  function own(
    operation: LedgerOperation,
    key: string,
    fence: number,
    nowMs: number,
  ): Entry | undefined {
    const entry = find(operation, key, nowMs);
    return entry?.record.fence === fence ? entry : undefined;
  }

  function write(entry: Entry, change: Partial<SettlementRecord>, nowMs: number): SettlementRecord {
    entry.record = Object.freeze({ ...entry.record, ...change, updatedAtMs: nowMs });
    return entry.record;
  }

  /** Changes the lease; a record never expires before its lease, nor earlier than was promised before. */
  function lease(
    entry: Entry,
    leaseMs: number | undefined,
    nowMs: number,
  ): { leaseUntilMs?: number } {
    if (leaseMs === undefined) return {};
    entry.expiresAtMs = Math.max(entry.expiresAtMs, nowMs + leaseMs);
    return { leaseUntilMs: nowMs + leaseMs };
  }

  function claim(input: ClaimInput): Claim {
    assertClaimInput(input);
    const nowMs = now();
    const entry = find("claim", input.key, nowMs);
    if (entry === undefined) {
      const record = Object.freeze(newRecord(input, ++lastFence, nowMs));
      entries.set(input.key, { record, expiresAtMs: nowMs + Math.max(input.ttlMs, input.leaseMs) });
      return { status: "claimed", record };
    }
    const { record } = entry;
    if (isFinal(record)) return { status: "final", record };
    if (!isTheirs(record, input.claimant, input.requirementsHash) || record.leaseUntilMs > nowMs) {
      return { status: "held", record };
    }
    entry.expiresAtMs = Math.max(entry.expiresAtMs, nowMs + input.ttlMs);
    const change = { fence: ++lastFence, ...lease(entry, input.leaseMs, nowMs) };
    return { status: "resumed", record: write(entry, change, nowMs) };
  }

  function advance(key: string, transition: Transition): SettlementRecord | undefined {
    assertTransition(key, transition);
    const nowMs = now();
    const entry = own("advance", key, transition.fence, nowMs);
    if (entry === undefined || !SETTLEMENT_TRANSITIONS[entry.record.state].includes(transition.to))
      return undefined;
    const facts = TRANSITION_FIELDS.filter((field) => transition[field] !== undefined);
    const added = Object.fromEntries(facts.map((field) => [field, transition[field]]));
    return write(
      entry,
      { state: transition.to, ...added, ...lease(entry, transition.leaseMs, nowMs) },
      nowMs,
    );
  }

  function renew(key: string, fence: number, leaseMs: number): boolean {
    assertRenewal(key, fence, leaseMs);
    const nowMs = now();
    const entry = own("renew", key, fence, nowMs);
    if (entry === undefined || isFinal(entry.record)) return false;
    write(entry, lease(entry, leaseMs, nowMs), nowMs);
    return true;
  }

  function release(key: string, fence: number): boolean {
    assertOwner(key, fence);
    return own("release", key, fence, now())?.record.state === "claimed" && entries.delete(key);
  }

  function handOut(key: string, claimant: string, requirementsHash: string): boolean {
    assertClaimant(key, claimant, requirementsHash);
    const nowMs = now();
    const entry = find("handOut", key, nowMs);
    if (entry?.record.state !== "confirmed" || !isTheirs(entry.record, claimant, requirementsHash))
      return false;
    if (claimant !== "") return true;
    if (entry.record.handedOut) return false;
    write(entry, { handedOut: true }, nowMs);
    return true;
  }

  // `async` turns what is thrown into rejections; nothing inside waits, so every operation is atomic.
  return {
    claim: async (input) => claim(input),
    advance: async (key, transition) => advance(key, transition),
    renew: async (key, fence, leaseMs) => renew(key, fence, leaseMs),
    release: async (key, fence) => release(key, fence),
    handOut: async (key, claimant, requirementsHash) => handOut(key, claimant, requirementsHash),
    get: async (key) => {
      assertKey(key);
      return find("get", key, now())?.record;
    },
    check: async () => assertOpen("check"),
    close: async () => {
      closed = true;
      entries.clear();
    },
  };
}
