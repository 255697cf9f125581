/**
 * Where an agent's spending is written down: what was signed, what came of it, and what the budgets have left. Memory,
 * a file and Redis implement it alike (`test/client/spend-store`).
 */

/**
 * - `reserved`: counted, and not signed yet; when its owner is gone it was never sent.
 * - `pending`: signed; may have been sent, and may be taken.
 * - `answered`: the server has begun to deliver, and the body is still on its way. Like `pending` it is asked about for a
 *   day after it has expired (see `isOver`).
 * - `paid`: delivered, with a receipt. `delivered`: without one; it may still be taken.
 * - `rejected`: the server says that it takes no payment; it may all the same, until it expires.
 * - `replaced`: another one was signed that excludes it, and counts what that one costs more.
 * - `released`: cannot be taken any more, and is counted no more.
 */
export type SpendState =
  | "reserved"
  | "pending"
  | "answered"
  | "paid"
  | "delivered"
  | "rejected"
  | "replaced"
  | "released";

/** One payment. Plain JSON. */
export interface Spend {
  readonly id: string;
  /** Unix milliseconds of the reservation; budgets count it from then on. */
  readonly atMs: number;
  readonly state: SpendState;
  /** What budgets count in: `USD` for every dollar token, or the symbol of another token. */
  readonly unit: string;
  /** What it adds to the budgets: millionths of the unit, rounded up; a safe integer. */
  readonly value: number;
  readonly url: string;
  readonly method: string;
  /** Host name of the URL, without port or final dot. */
  readonly host: string;
  readonly scheme: string;
  readonly network: string;
  readonly asset: string;
  /** Atomic units. */
  readonly amount: string;
  readonly payTo: string;
  /** Who has signed it, where the scheme says. */
  readonly payer?: string;
  /** Unix milliseconds after which it can no longer be taken. */
  readonly expiresAtMs: number;
  /** Identity of the logical request, for `take`; none when it has none that a later call could know. */
  readonly request?: string;
  /** The wrapper that presents it. */
  readonly owner: string;
  /** Until when the owner is believed to be at it (Unix milliseconds); 0 when it has given up. */
  readonly leaseUntilMs: number;
  /** Version of the protocol, what the scheme signed, and the headers that carry it; while somebody may need them. */
  readonly x402Version?: 1 | 2;
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether it was signed in place of an earlier payment, which it excludes. */
  readonly replaces?: string;
  readonly transaction?: string;
  /** The server's word on a rejected payment. */
  readonly reason?: string;
  /** Whether it was rejected by a refusal (402), and not by an error: then the very same may be taken the next time. */
  readonly refused?: boolean;
}

export type SpendChange = Partial<
  Pick<
    Spend,
    | "state"
    | "expiresAtMs"
    | "leaseUntilMs"
    | "x402Version"
    | "payload"
    | "headers"
    | "transaction"
    | "reason"
    | "refused"
  >
>;

/** What spending is counted by: everything, a host, or a payee (`payTo` in lower case). */
export type SpendScope = "total" | `host:${string}` | `payee:${string}`;

/** At most `max` millionths of `unit` in this scope: within the window, or for ever. */
export interface SpendLimit {
  readonly scope: SpendScope;
  readonly unit: string;
  readonly max: number;
  readonly windowSeconds?: number;
}

/** Why a reservation was not made: a limit and what is counted in it, or the payee that was pinned first. */
export type SpendRefusal =
  | { readonly limit: SpendLimit; readonly spent: number }
  | { readonly pinned: string };

/** A payment of an earlier call for the same request: taken over, or held by somebody who may be alive. */
export type TakenSpend = { readonly spend: Spend } | { readonly heldUntilMs: number };

export interface SpendStore {
  /** Others may share the store, so leases are renewed at least this often; absent when nobody can. */
  readonly leaseMs?: number;
  /**
   * Counts a payment in its scopes (total, host, payee), if no limit is exceeded by that; atomically, whoever else
   * reserves. A window counts what was reserved within it, and at its beginning up to one step more (see
   * `SPEND_STEPS`), never less. A payment that is still `reserved` when its owner's lease is over was never sent: it is
   * released first.
   *
   * @param pin sets this name to this value, or refuses when it has another.
   */
  reserve(
    spend: Spend,
    limits: readonly SpendLimit[],
    pin?: { readonly name: string; readonly value: string },
  ): Promise<SpendRefusal | undefined>;
  /**
   * Changes a payment. `released` gives its value back, once.
   *
   * @returns false, changing nothing, when it is not there or was released.
   */
  update(id: string, change: SpendChange): Promise<boolean>;
  /**
   * The oldest payment for this request that needs to be finished before another is made, now leased to `owner`:
   * `pending` or `answered` up to a day after it expired, or `rejected` and not expired. Those that `owner` is at itself do not count. Those of
   * others count when they have given up, or their lease is over, or at once with `takeover`; else they are held.
   */
  take(
    request: string,
    owner: string,
    options: { readonly nowMs: number; readonly takeover: boolean },
  ): Promise<TakenSpend | undefined>;
  /** Millionths counted in a scope. */
  spent(scope: SpendScope, unit: string, nowMs: number, windowSeconds?: number): Promise<number>;
  /** Payments, newest first. */
  list(options?: {
    readonly limit?: number;
    /** Only those before this one. */
    readonly before?: string;
    readonly states?: readonly SpendState[];
  }): Promise<Spend[]>;
  /** Ends the store; every operation fails from then on. */
  close?(): Promise<void>;
}

export const DAY_MS = 86_400_000;

/**
 * Whether a payment that was sent is over, whatever became of it: one that was rejected when it has expired, others a day
 * later, since a server that never gives a final answer must not block its request for ever. It is not taken any more, and
 * stays counted.
 */
export const isOver = ({ state, expiresAtMs }: Spend, nowMs: number): boolean =>
  state !== "reserved" && expiresAtMs + (state === "rejected" ? 0 : DAY_MS) < nowMs;

/**
 * How windows are counted: in steps of `stepSeconds`, for windows of up to `upToSeconds`. A window covers whole steps,
 * so that it never counts less than it should.
 */
export const SPEND_STEPS = [
  { stepSeconds: 1, upToSeconds: 600 },
  { stepSeconds: 60, upToSeconds: 86_400 },
  { stepSeconds: 3600, upToSeconds: 31 * 86_400 },
] as const;
