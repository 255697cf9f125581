import type { FacilitatorRequest, SettleResponse } from "../core/messages.ts";

/** A value, or a promise of one: stores in memory answer at once. */
export type Awaitable<T> = T | Promise<T>;

/** A response kept so that the payment that bought it can fetch it again. */
export interface StoredResponse {
  readonly status: number;
  /** Lower-case names; a list where a header was sent several times. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** The store may keep these very bytes: whoever gave them does not change them afterwards. */
  readonly body: Uint8Array<ArrayBuffer> | null;
}

/**
 * - `claimed`: verified; the handler may run for it, and nothing was settled for it by a handler's answer yet.
 * - `served`: the handler answered, and its response is here; to be settled.
 * - `settled`: the money moved, or is certain to; `receipt` is here. Upfront payments come here from `claimed`.
 */
export type ClaimState = "claimed" | "served" | "settled";

/** What a publisher's servers know of one payment. Plain JSON, but for the response's body. */
export interface PaymentClaim {
  readonly state: ClaimState;
  /** Method and URL that the payment was presented for. */
  readonly request: string;
  /** The payment's identifier (extension `payment-identifier`), which is never published; empty when it has none. */
  readonly presenter: string;
  /**
   * What is settled. The payload has to come again exactly: payer and nonce are public before the settlement. The
   * signature is, after it.
   */
  readonly body: FacilitatorRequest;
  readonly payer?: string | undefined;
  /** Names this claim to the facilitator. */
  readonly idempotencyKey: string;
  /** The facilitator that may have been asked to settle; only that one can tell what became of it. */
  readonly via?: string | undefined;
  /** How often a handler was let run for it. */
  readonly runs: number;
  readonly receipt?: SettleResponse | undefined;
  readonly response?: StoredResponse | undefined;
  /** The response was handed out in full, or as far as the client wanted it. */
  readonly delivered: boolean;
}

/** What a holder may change. A field that is there but undefined is removed from the claim; the others stay. */
export type ClaimChange = Partial<
  Pick<PaymentClaim, "state" | "body" | "via" | "runs" | "receipt" | "response" | "delivered">
>;

/**
 * Claims on payments, shared by all servers of a publisher (safety rule 13). Whoever holds a claim may let a handler
 * run for it and settle it; a holder that does not renew within `leaseMs` loses it to whoever resumes it, and what it
 * writes afterwards is refused. Until somebody does, its token is good: it may still write and renew.
 *
 * Every operation throws `X402Error` `ledger_unavailable` when the store cannot be reached, does not answer in time or
 * holds something malformed. Its `retry` is `safe` for a claim that certainly was not made, and otherwise `unsafe`: the
 * payment may have been settled before, by any server. A `TypeError` is the caller's mistake: an empty key, a duration
 * that is none.
 */
export interface ClaimStore {
  /** For how long a claim is held without being renewed. Absent: claims live and die with this process. */
  readonly leaseMs?: number;
  /** The claim on a payment, and whether somebody holds it now. */
  get(key: string): Awaitable<{ readonly claim: PaymentClaim; readonly held: boolean } | undefined>;
  /**
   * Claims a payment and holds it; the token proves it. Nothing when there is a claim already. Kept for `ttlMs`, and
   * for as long as it is held.
   */
  claim(key: string, claim: PaymentClaim, ttlMs: number): Awaitable<string | undefined>;
  /** Holds a claim that nobody holds. Nothing when somebody does, or there is none. */
  resume(
    key: string,
  ): Awaitable<{ readonly claim: PaymentClaim; readonly token: string } | undefined>;
  /**
   * Changes a claim that the token holds, all at once or not at all; a state never goes backwards.
   * `letGo` ends the hold; `ttlMs` keeps the claim for that long from now on, whatever was said before, and in any case
   * as long as it is held.
   * False: not held by this token, or the state would go backwards; nothing was changed.
   */
  write(
    key: string,
    token: string,
    change: ClaimChange,
    options?: { readonly letGo?: boolean; readonly ttlMs?: number },
  ): Awaitable<boolean>;
  /** Holds it for another `leaseMs`, and keeps it at least that long. False: not held by this token any more. */
  renew(key: string, token: string): Awaitable<boolean>;
  /** Removes a claim that the token holds: nothing was charged. */
  forget(key: string, token: string): Awaitable<boolean>;
  /**
   * Binds a payment identifier to the first key that asks for it, for `ttlMs`; answers the key that it is bound to
   * (extension `payment-identifier`).
   */
  identify(identifier: string, key: string, ttlMs: number): Awaitable<string>;
}
