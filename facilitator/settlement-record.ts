/** What a ledger's record says to whom. */
import type { FacilitatorCallOptions } from "../src/core/facilitator.ts";
import type { FacilitatorRequest } from "../src/core/messages.ts";
import type { Reason } from "../src/core/reasons.ts";
import { FINAL_STATES, type SettlementRecord } from "../src/ledger/ledger.ts";

/** What the ledger tells its claimant of a settlement. */
export interface Settlement {
  readonly id: string;
  readonly state: SettlementRecord["state"];
  readonly network: string;
  readonly transaction?: string;
  /** Number of the block, decimal. */
  readonly block?: string;
  readonly errorReason?: string;
  /** States and when they were reached, ISO 8601. */
  readonly history: readonly { readonly state: SettlementRecord["state"]; readonly at: string }[];
}

/** Who asks, as the ledger knows them: by the name of the request, or nobody in particular. */
export const claimantOf = (call: FacilitatorCallOptions): string =>
  call.idempotencyKey === undefined ? "" : `idempotency:${call.idempotencyKey}`;

/** A record for its claimant. */
export function describeSettlement(record: SettlementRecord): Settlement {
  const { paymentRequirements } = JSON.parse(record.payment) as FacilitatorRequest;
  const reached = [
    ["claimed", record.createdAtMs],
    ["signed", record.signedAtMs],
    [record.state, FINAL_STATES.has(record.state) ? record.finishedAtMs : undefined],
  ] as const;
  return {
    id: record.key,
    state: record.state,
    network: paymentRequirements.network,
    ...(record.transaction !== undefined && { transaction: record.transaction }),
    ...(record.block !== undefined && { block: record.block }),
    ...(record.reason !== undefined && { errorReason: record.reason }),
    history: reached.flatMap(([state, at]) =>
      at === undefined ? [] : [{ state, at: new Date(at).toISOString() }],
    ),
  };
}

/** Why a payment that the ledger knows would not be answered with success to this claimant; nothing when it would. */
export function whyNotHandedOut(
  record: SettlementRecord,
  claimant: string,
  requirementsHash: string,
): Reason | undefined {
  if (record.claimant !== claimant || record.requirementsHash !== requirementsHash)
    return "duplicate_settlement";
  if (record.state === "failed")
    return (record.reason ?? "invalid_exact_evm_transaction_failed") as Reason;
  return record.handedOutTo === "" ? undefined : "duplicate_settlement";
}
