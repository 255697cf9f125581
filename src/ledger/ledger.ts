/**
 * The ledger remembers every payment that a facilitator took into its hands, so that money moves once.
 *
 * One record a payment, keyed by the payment key (decoded values of the authorization, never bytes of a
 * signature or header). Every store passes `test/ledger/contract.ts`. The store owns the clock: callers give
 * durations, so that replicas with different clocks agree.
 */

/** Version of the record's layout; a newer service must read what an older one wrote. */
export const SETTLEMENT_RECORD_VERSION = 1;

/**
 * - `claimed`: somebody works on it; nothing was signed, so it may still be released (deleted).
 * - `signed`: the raw transaction is recorded; it may or may not have been broadcast.
 * - `broadcast`: a node accepted the transaction.
 * - `confirmed`: the exact transfer was seen in a receipt. `failed`: proven that this payment did not move money.
 */
export type SettlementState = "claimed" | "signed" | "broadcast" | "confirmed" | "failed";

/** Which state may follow which. A signed or broadcast record is signed again when its transaction is replaced. */
export const SETTLEMENT_TRANSITIONS: Readonly<Record<SettlementState, readonly SettlementState[]>> =
  {
    claimed: ["signed", "confirmed", "failed"],
    signed: ["signed", "broadcast", "confirmed", "failed"],
    broadcast: ["signed", "confirmed", "failed"],
    confirmed: [],
    failed: [],
  };

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
  /** Hash of the last signed transaction (`0x…`). */
  readonly transaction?: string;
  /** The last signed transaction itself (`0x…`), to be sent again as it is. */
  readonly rawTransaction?: string;
  /** Number of the block that holds the transfer, as a decimal string. */
  readonly block?: string;
  /** Why it failed: an `errorReason`. */
  readonly reason?: string;
  /** Whether a success was told to an anonymous claimant. */
  readonly handedOut: boolean;
  /** Unix milliseconds by the store's clock. */
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly leaseUntilMs: number;
}

export interface ClaimInput {
  readonly key: string;
  readonly claimant: string;
  readonly requirementsHash: string;
  readonly payment: string;
  /** For how long the caller may work on it before others may take over. */
  readonly leaseMs: number;
  /** For how long the record is kept at least; must outlive the authorization. */
  readonly ttlMs: number;
}

/**
 * - `claimed`: a new record; the caller owns it.
 * - `resumed`: the former owner's lease has run out; the caller owns the record now, in the state where it was left.
 * - `held`: somebody else is working on it.
 * - `final`: confirmed or failed.
 *
 * Only the same claimant with the same requirements resumes; for others a record that is not final is `held`.
 */
export interface Claim {
  readonly status: "claimed" | "resumed" | "held" | "final";
  readonly record: SettlementRecord;
}

export interface Transition {
  readonly fence: number;
  readonly to: SettlementState;
  readonly transaction?: string;
  readonly rawTransaction?: string;
  readonly block?: string;
  readonly reason?: string;
  /** Renews the lease from now; absent: the lease is left as it is. */
  readonly leaseMs?: number;
}

export interface Ledger {
  /** Claims a payment, or says who has it. Atomic. */
  claim(input: ClaimInput): Promise<Claim>;
  /**
   * Moves a record along `SETTLEMENT_TRANSITIONS`. Answers the record as it is after, or nothing when the fence is
   * old, the record is gone or the transition is not allowed: then the caller has lost it and must stop.
   */
  advance(key: string, transition: Transition): Promise<SettlementRecord | undefined>;
  /** Renews the lease of a record that is not final. False: lost. */
  renew(key: string, fence: number, leaseMs: number): Promise<boolean>;
  /** Deletes a record of which nothing was signed yet (`claimed`, same fence). False: not released. */
  release(key: string, fence: number): Promise<boolean>;
  /**
   * Tells whether a confirmed settlement may be answered with success to this claimant. Atomic: of any number of
   * anonymous callers exactly one is told `true`; a named claimant is told `true` every time if the record is theirs.
   */
  handOut(key: string, claimant: string, requirementsHash: string): Promise<boolean>;
  get(key: string): Promise<SettlementRecord | undefined>;
  /** Throws an `X402Error` `ledger_unavailable` unless the ledger can be trusted with money right now. */
  check(): Promise<void>;
  close(): Promise<void>;
}
