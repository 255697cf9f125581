import type { Reason } from "../../src/core/reasons.ts";
import type {
  FacilitatorScheme,
  Liable,
  SchemePayment,
  SettlementCall,
} from "../../src/core/scheme.ts";
import {
  FINAL_STATES,
  type Ledger,
  type SettlementRecord,
  type Transition,
} from "../../src/ledger/ledger.ts";

/** A payment is leased from the ledger for this long at a time, until it is signed. */
export const PAYMENT_LEASE_MS = 5000;

/** How the work on a payment ended: with its final record, or let go before anything was signed. */
export type Settled = SettlementRecord | { readonly released: Reason };

/** A claimed payment on its way through this process. */
export interface Job {
  readonly key: string;
  readonly scheme: FacilitatorScheme;
  readonly payment: SchemePayment;
  readonly call: SettlementCall;
  /** Whose code it runs: of its own, or because its payer was found to have code. */
  liable: Liable | undefined;
  /** The record as this process read or wrote it last; what it wrote is without the times, which are the ledger's. */
  record: SettlementRecord;
  /** Since when a use of the authorization is this claimant's, Unix milliseconds by the ledger's clock. */
  readonly sinceMs: number;
  /** When its lease is to be renewed, by this process's clock. */
  renewAtMs: number;
  /** It failed in the company of others, and goes alone from now on. */
  alone: boolean;
  /** It must not be let go any more: its transaction may be in a lane's log, or it was perhaps used since its claim. */
  kept: boolean;
  /** The record is gone, or somebody else finished it: there is nothing left to do here. */
  gone: boolean;
  /** Ends the wait of whoever asked; the first call counts. */
  settle(end: Settled): void;
  /** Ends the wait with a promise: the transaction is sent, and is taken for the settlement. The work goes on. */
  promise(): void;
  /** Ends the wait without a result: another replica has it, or the world failed. */
  fail(error: unknown): void;
}

/** Whether nothing is left to do for a job. */
export function isDone(job: Job): boolean {
  return job.gone || FINAL_STATES.has(job.record.state);
}

/** Moves a payment's record, in the ledger and here. False: it is not this process's any more. */
export async function advance(
  ledger: Ledger,
  job: Job,
  transition: Omit<Transition, "fence">,
): Promise<boolean> {
  const { fence, block: _block, reason: _reason, ...kept } = job.record;
  if (!(await ledger.advance(job.key, { fence, ...transition }))) return false;
  const { to, reopens: _reopens, ...facts } = transition;
  job.record = { ...kept, fence, state: to, ...facts };
  return true;
}
