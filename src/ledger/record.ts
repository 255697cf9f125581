import { SETTLEMENT_RECORD_VERSION, SETTLEMENT_TRANSITIONS } from "./ledger.ts";
import type { ClaimInput, SettlementRecord } from "./ledger.ts";

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
    handedOut: false,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    leaseUntilMs: nowMs + input.leaseMs,
  };
}

/** Whether no other state can follow. */
export function isFinal(record: SettlementRecord): boolean {
  return SETTLEMENT_TRANSITIONS[record.state].length === 0;
}

/** Whether it was claimed by this claimant for these requirements. */
export function isTheirs(
  record: SettlementRecord,
  claimant: string,
  requirementsHash: string,
): boolean {
  return record.claimant === claimant && record.requirementsHash === requirementsHash;
}
