import { X402Error } from "../core/errors.ts";

export type LedgerOperation =
  | "claim"
  | "advance"
  | "adopt"
  | "renew"
  | "release"
  | "handOut"
  | "get"
  | "index"
  | "paymentsOf"
  | "hold"
  | "unhold"
  | "announceOwner"
  | "acquireLane"
  | "renewLane"
  | "releaseLane"
  | "recordTransaction"
  | "openLane"
  | "retireTransactions"
  | "check";

/** What a `ClaimStore` does. */
export type ClaimOperation =
  | "claimPayment"
  | "getClaim"
  | "resumeClaim"
  | "writeClaim"
  | "renewClaim"
  | "forgetClaim"
  | "identifyPayment";

/** What a `SpendStore` does. */
export type SpendOperation =
  | "reserveSpend"
  | "readSpend"
  | "updateSpend"
  | "releaseSpend"
  | "lapseSpend"
  | "takeSpend"
  | "sumSpends"
  | "listSpends";

export type StoreOperation = LedgerOperation | ClaimOperation | SpendOperation;

/** Operations that touch nothing on which the fate of money depends. */
const HARMLESS: ReadonlySet<StoreOperation> = new Set([
  "get",
  "index",
  "paymentsOf",
  "hold",
  "unhold",
  "announceOwner",
  "acquireLane",
  "openLane",
  "check",
  "reserveSpend", // what is reserved was not signed yet
  "lapseSpend",
  "takeSpend",
  "sumSpends",
  "listSpends",
]);

/** Before they are made nothing has happened to the payment. */
const CLAIMS: ReadonlySet<StoreOperation> = new Set(["claim", "claimPayment"]);

/**
 * The error of an operation that the ledger did not answer.
 *
 * `safe` only where nothing can have happened to money: a claim that certainly never reached the store, reading, holds
 * and the sharing out of lanes. A claim that may have arrived is `unsafe`: a record may exist now, and only the identical
 * payment gets past it. The other operations are about a payment that is already in hand, so money may have moved
 * before they were asked; they are `unsafe` even when they certainly did not happen; so is reading a publisher's claim. There is no `cause`: errors of
 * Redis clients carry the arguments of the command, which hold signatures and API keys, or the password.
 */
export function ledgerUnavailable(
  operation: StoreOperation,
  why: string,
  mayHaveHappened: boolean,
): X402Error {
  const safe = HARMLESS.has(operation) || (CLAIMS.has(operation) && !mayHaveHappened);
  return new X402Error("ledger_unavailable", `ledger: ${operation}: ${why}`, {
    retry: safe ? "safe" : "unsafe",
  });
}
