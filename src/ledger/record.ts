import { TRANSITION_FIELDS } from "./input.ts";
import { FINAL_STATES, SETTLEMENT_RECORD_VERSION, SETTLEMENT_TRANSITIONS } from "./ledger.ts";
import type { ClaimInput, SettlementRecord, Transition } from "./ledger.ts";

/** The record of a payment that was just claimed. */
export function newRecord(input: ClaimInput, fence: number, nowMs: number): SettlementRecord {
  return {
    version: SETTLEMENT_RECORD_VERSION,
    key: input.key,
    state: "claimed",
    fence,
    claimant: input.claimant,
    requirementsHash: input.requirementsHash,
    payment: input.payment,
    token: input.token,
    handedOutTo: "",
    createdAtMs: nowMs,
    leaseUntilMs: nowMs + input.leaseMs,
  };
}

/**
 * The record after a transition; the same object when it has been made before; nothing when it must not be made.
 * `redis-scripts.ts` says the same in Lua.
 */
export function advanced(
  record: SettlementRecord,
  transition: Transition,
  nowMs: number,
): SettlementRecord | undefined {
  const { fence, to } = transition;
  if (record.fence !== fence) return undefined;
  const given = TRANSITION_FIELDS.filter((field) => transition[field] !== undefined);
  const made = record.state === to && given.every((field) => transition[field] === record[field]);
  if (made && to !== "claimed") return record;
  if (!SETTLEMENT_TRANSITIONS[record.state].includes(to)) return undefined;
  const { reopens } = transition;
  if (isFinal(record) && (reopens === undefined || record.transaction !== reopens))
    return undefined;
  const facts = Object.fromEntries(given.map((field) => [field, transition[field]]));
  if (FINAL_STATES.has(to)) return { ...record, state: to, finishedAtMs: nowMs, ...facts };
  const { block: _block, reason: _reason, finishedAtMs: _finishedAtMs, ...unfinished } = record;
  return { ...unfinished, state: to, signedAtMs: nowMs, ...facts };
}

/** Whether the outcome is known. */
export function isFinal(record: SettlementRecord): boolean {
  return FINAL_STATES.has(record.state);
}

/** Whether it was claimed by this claimant for these requirements. */
export function isTheirs(
  record: SettlementRecord,
  claimant: string,
  requirementsHash: string,
): boolean {
  return record.claimant === claimant && record.requirementsHash === requirementsHash;
}
