/**
 * The ledger remembers every payment that a facilitator took into its hands, so that money moves once.
 *
 * One record a payment, keyed by the payment key (decoded values of the authorization, never bytes of a
 * signature or header). Every store passes `test/ledger/contract.ts`. The store owns the clock: callers give
 * durations, so that replicas with different clocks agree.
 */
import type { LaneStore } from "./lanes.ts";

/** Version of the record's layout; a newer service must read what an older one wrote. */
export const SETTLEMENT_RECORD_VERSION = 1;

/**
 * - `claimed`: somebody works on it; nothing was signed, so it may still be released (deleted).
 * - `signed`: part of a signed transaction, which its lane's log holds (see `lanes.ts`) and which may have been
 *   broadcast. From here on it belongs to the lane and to whoever leases that; nobody resumes it by itself.
 * - `confirmed`: the exact transfer was seen in a receipt. `failed`: proven that this payment did not move money.
 */
export type SettlementState = "claimed" | "signed" | "confirmed" | "failed";

/**
 * Which state may follow which. A signed record is signed again when its transaction is replaced or lost its nonce; one
 * that is final when its block was reorganized away, and only by who says which transaction that was (`reopens`).
 */
export const SETTLEMENT_TRANSITIONS: Readonly<Record<SettlementState, readonly SettlementState[]>> =
  {
    claimed: ["signed", "confirmed", "failed"],
    signed: ["signed", "confirmed", "failed"],
    confirmed: ["signed"],
    failed: ["signed"],
  };

/** States in which the outcome is known. */
export const FINAL_STATES: ReadonlySet<SettlementState> = new Set(["confirmed", "failed"]);

export interface SettlementRecord {
  readonly version: number;
  /** Payment key. */
  readonly key: string;
  readonly state: SettlementState;
  /** Fencing token: grows with every take-over; an older holder can write no more. */
  readonly fence: number;
  /** Who may be told of a success, and again. Empty: nobody in particular, the success is handed out once. */
  readonly claimant: string;
  /** Hash of the requirements that the payment was claimed for. */
  readonly requirementsHash: string;
  /** The payment and its requirements as JSON, so that any replica can finish the settlement. */
  readonly payment: string;
  /** Token of the call that claimed or resumed it last. */
  readonly token: string;
  /** Hash of the transaction that carries it (`0x…`). */
  readonly transaction?: string;
  /** Number of the block that holds the transfer, as a decimal string. */
  readonly block?: string;
  /** Why it failed: an `errorReason`. */
  readonly reason?: string;
  /** Token of the anonymous call that was told of the success; empty when none was. */
  readonly handedOutTo: string;
  /** Unix milliseconds by the store's clock: claimed first, signed last, confirmed or failed. */
  readonly createdAtMs: number;
  readonly signedAtMs?: number;
  readonly finishedAtMs?: number;
  readonly leaseUntilMs: number;
}

export interface ClaimInput {
  readonly key: string;
  readonly claimant: string;
  readonly requirementsHash: string;
  readonly payment: string;
  /** Random name of this call: asking again with it, because a reply was lost, gets the same answer. */
  readonly token: string;
  /** For how long the caller may work on it before others may take over. */
  readonly leaseMs: number;
  /** For how long the record is kept at least; must outlive the authorization. */
  readonly ttlMs: number;
}

/**
 * - `claimed`: the caller owns the record, which is new, or was `claimed` by somebody whose lease has run out, or was
 *   claimed by this very call (same token) before.
 * - `held`: somebody is working on it, or its lane is.
 * - `final`: confirmed or failed.
 *
 * Only the same claimant with the same requirements takes over; for others a record that is not final is `held`.
 */
export interface Claim {
  readonly status: "claimed" | "held" | "final";
  readonly record: SettlementRecord;
}

export interface Transition {
  readonly fence: number;
  readonly to: SettlementState;
  /** The transaction that a final record holds: without it, or with another, the record stays as it is. */
  readonly reopens?: string;
  readonly transaction?: string;
  readonly block?: string;
  readonly reason?: string;
}

/** An amount set aside on a payer's balance. */
export interface Hold {
  /** Whose balance: chain, token and payer. */
  readonly account: string;
  /** Name of the hold: the payment key. Holding the same again renews it. */
  readonly id: string;
  /** Atomic units, up to a uint256. */
  readonly amount: bigint;
  /** The balance that the chain reports. */
  readonly available: bigint;
  readonly ttlMs: number;
}

export interface Ledger {
  /** Claims a payment, or says who has it. Atomic. */
  claim(input: ClaimInput): Promise<Claim>;
  /**
   * Moves a record along `SETTLEMENT_TRANSITIONS`. False: the fence is old, the record is gone or the transition is not
   * allowed; then the caller has lost it and must stop. The same transition once more (same fence, state and facts)
   * changes nothing and is answered true: a reply may have been lost.
   */
  advance(key: string, transition: Transition): Promise<boolean>;
  /**
   * The record of a payment, for whoever has leased its lane with this fence. If it rests on this transaction of the lane's
   * log, the fence is the record's from now on: who had the lane before can write no more, whatever was read then. An
   * older fence than the record's changes nothing.
   */
  adopt(key: string, fence: number, transaction: string): Promise<SettlementRecord | undefined>;
  /** Renews the lease of a `claimed` record. False: lost, or past that state. */
  renew(key: string, fence: number, leaseMs: number): Promise<boolean>;
  /** Deletes a record of which nothing was signed yet (`claimed`, same fence). False: not released. */
  release(key: string, fence: number): Promise<boolean>;
  /**
   * Tells whether a confirmed settlement may be answered with success to this claimant. Atomic: of any number of
   * anonymous callers exactly one is told `true` (and again when it asks with the same token); a named claimant is
   * told `true` every time if the record is theirs.
   */
  handOut(key: string, claimant: string, requirementsHash: string, token: string): Promise<boolean>;
  get(key: string): Promise<SettlementRecord | undefined>;
  /** Notes which payments a transaction carries, for `paymentsOf`. The last word counts. */
  index(transaction: string, keys: readonly string[], ttlMs: number): Promise<void>;
  /** Payment keys that a transaction carries; none when it is not known. */
  paymentsOf(transaction: string): Promise<readonly string[]>;
  /** Sets an amount aside unless the live holds of that account and this one exceed what is available. Atomic. */
  hold(hold: Hold): Promise<boolean>;
  /** Ends a hold. */
  unhold(account: string, id: string): Promise<void>;
  /** The lanes' leases and transactions, in the same store. */
  readonly lanes: LaneStore;
  /** Throws an `X402Error` `ledger_unavailable` unless the ledger can be trusted with money right now. */
  check(): Promise<void>;
  close(): Promise<void>;
}
