import { expiringMap } from "./expiring-map.ts";
import {
  assertAdoption,
  assertClaimant,
  assertClaimInput,
  assertHold,
  assertHoldName,
  assertIndex,
  assertKey,
  assertOwner,
  assertRenewal,
  assertTransition,
} from "./input.ts";
import type { Claim, ClaimInput, Ledger, SettlementRecord, Transition } from "./ledger.ts";
import { memoryHolds } from "./memory-holds.ts";
import { memoryLanes } from "./memory-lanes.ts";
import { advanced, isFinal, isTheirs, newRecord } from "./record.ts";
import { ledgerUnavailable } from "./unavailable.ts";
import type { LedgerOperation } from "./unavailable.ts";

/**
 * A ledger in the memory of one process, for tests and for a single embedded facilitator. It forgets everything
 * when the process ends; after that only the chain's own nonces prevent a second settlement.
 */
export function memoryLedger(options: { now?: () => number } = {}): Ledger {
  const now = options.now ?? Date.now;
  const records = expiringMap<SettlementRecord>();
  const transactions = expiringMap<readonly string[]>();
  const holds = memoryHolds();
  let closed = false;
  // Never used twice, not even by a record that was released and claimed again; those of records and lanes in one order.
  let lastFence = 0;

  function assertOpen(operation: LedgerOperation): void {
    if (closed) throw ledgerUnavailable(operation, "the ledger is closed", false);
  }

  function find(operation: LedgerOperation, key: string, nowMs: number) {
    assertOpen(operation);
    return records.get(key, nowMs);
  }

  /** Keeps a record as long as it was to be kept before, and at least until then. */
  function write(record: SettlementRecord, untilMs = 0): SettlementRecord {
    records.set(record.key, Object.freeze(record), untilMs);
    return record;
  }

  function claim(input: ClaimInput): Claim {
    assertClaimInput(input);
    const nowMs = now();
    const record = find("claim", input.key, nowMs);
    const untilMs = nowMs + Math.max(input.ttlMs, input.leaseMs);
    if (record === undefined) {
      return { status: "claimed", record: write(newRecord(input, ++lastFence, nowMs), untilMs) };
    }
    if (isFinal(record)) return { status: "final", record };
    const lapsed = record.leaseUntilMs <= nowMs;
    const again = record.token === input.token;
    if (
      record.state !== "claimed" ||
      !isTheirs(record, input.claimant, input.requirementsHash) ||
      !(lapsed || again)
    ) {
      return { status: "held", record };
    }
    if (!lapsed) return { status: "claimed", record };
    const fence = again ? record.fence : ++lastFence;
    const leaseUntilMs = nowMs + input.leaseMs;
    const taken = { ...record, fence, token: input.token, leaseUntilMs };
    return { status: "claimed", record: write(taken, untilMs) };
  }

  function advance(key: string, transition: Transition): boolean {
    assertTransition(key, transition);
    const nowMs = now();
    const record = find("advance", key, nowMs);
    const after = record && advanced(record, transition, nowMs);
    if (after !== undefined && after !== record) write(after);
    return after !== undefined;
  }

  function adopt(key: string, fence: number, transaction: string): SettlementRecord | undefined {
    assertAdoption(key, fence, transaction);
    const record = find("adopt", key, now());
    if (record === undefined || record.state === "claimed" || record.transaction !== transaction)
      return record;
    return record.fence < fence ? write({ ...record, fence }) : record;
  }

  function renew(key: string, fence: number, leaseMs: number): boolean {
    assertRenewal(key, fence, leaseMs);
    const nowMs = now();
    const record = find("renew", key, nowMs);
    if (record?.fence !== fence || record.state !== "claimed") return false;
    const leaseUntilMs = nowMs + leaseMs;
    write({ ...record, leaseUntilMs }, leaseUntilMs);
    return true;
  }

  function release(key: string, fence: number): boolean {
    assertOwner(key, fence);
    const record = find("release", key, now());
    return record?.fence === fence && record.state === "claimed" && records.delete(key);
  }

  function handOut(key: string, claimant: string, hash: string, token: string): boolean {
    assertClaimant(key, claimant, hash, token);
    const record = find("handOut", key, now());
    if (record?.state !== "confirmed" || !isTheirs(record, claimant, hash)) return false;
    if (claimant !== "" || record.handedOutTo === token) return true;
    if (record.handedOutTo !== "") return false;
    write({ ...record, handedOutTo: token });
    return true;
  }

  // `async` turns what is thrown into rejections; nothing inside waits, so every operation is atomic.
  return {
    claim: async (input) => claim(input),
    advance: async (key, transition) => advance(key, transition),
    adopt: async (key, fence, transaction) => adopt(key, fence, transaction),
    renew: async (key, fence, leaseMs) => renew(key, fence, leaseMs),
    release: async (key, fence) => release(key, fence),
    handOut: async (key, claimant, hash, token) => handOut(key, claimant, hash, token),
    get: async (key) => {
      assertKey(key);
      return find("get", key, now());
    },
    index: async (transaction, keys, ttlMs) => {
      assertIndex(transaction, keys, ttlMs);
      assertOpen("index");
      const nowMs = now();
      transactions.get(transaction, nowMs); // sweeps
      transactions.set(transaction, Object.freeze([...keys]), nowMs + ttlMs);
    },
    paymentsOf: async (transaction) => {
      assertKey(transaction);
      assertOpen("paymentsOf");
      return transactions.get(transaction, now()) ?? [];
    },
    hold: async (hold) => {
      assertHold(hold);
      assertOpen("hold");
      return holds.hold(hold, now());
    },
    unhold: async (account, id) => {
      assertHoldName(account, id);
      assertOpen("unhold");
      holds.unhold(account, id, now());
    },
    lanes: memoryLanes(now, () => ++lastFence, assertOpen),
    check: async () => assertOpen("check"),
    close: async () => {
      closed = true;
      records.clear();
      transactions.clear();
      holds.clear();
    },
  };
}
