import type { ClaimInput, Transition } from "./ledger.ts";

/** The optional facts that a transition may add to a record. */
export const TRANSITION_FIELDS = ["transaction", "rawTransaction", "block", "reason"] as const;

/** Throws a `TypeError` unless every store would keep exactly what the caller gave. */
export function assertClaimInput(input: ClaimInput): void {
  assertKey(input.key);
  assertText("claimant", input.claimant);
  assertText("requirementsHash", input.requirementsHash);
  assertText("payment", input.payment);
  assertDuration("leaseMs", input.leaseMs, 0);
  assertDuration("ttlMs", input.ttlMs, 1);
}

/** Like `assertClaimInput`, for `advance`. */
export function assertTransition(key: string, transition: Transition): void {
  assertKey(key);
  assertFence(transition.fence);
  assertText("to", transition.to);
  for (const field of TRANSITION_FIELDS) {
    const value = transition[field];
    if (value !== undefined) assertText(field, value);
  }
  if (transition.leaseMs !== undefined) assertDuration("leaseMs", transition.leaseMs, 0);
}

/** Like `assertClaimInput`, for `renew`. */
export function assertRenewal(key: string, fence: number, leaseMs: number): void {
  assertOwner(key, fence);
  assertDuration("leaseMs", leaseMs, 0);
}

/** Like `assertClaimInput`, for `release`. */
export function assertOwner(key: string, fence: number): void {
  assertKey(key);
  assertFence(fence);
}

/** Like `assertClaimInput`, for `handOut`. */
export function assertClaimant(key: string, claimant: string, requirementsHash: string): void {
  assertKey(key);
  assertText("claimant", claimant);
  assertText("requirementsHash", requirementsHash);
}

/** Like `assertClaimInput`, for `get`. */
export function assertKey(key: string): void {
  assertText("key", key);
  if (key === "") throw new TypeError("ledger: key is empty");
}

function assertFence(fence: number): void {
  if (!Number.isSafeInteger(fence)) throw new TypeError("ledger: fence is not a safe integer");
}

/** Lone surrogates become U+FFFD in UTF-8: two different keys or claimants would be one. */
function assertText(name: string, text: string): void {
  if (typeof text !== "string" || /\p{Surrogate}/u.test(text)) {
    throw new TypeError(`ledger: ${name} is not a well-formed string`);
  }
}

/** A hundred years: far from where sums of milliseconds would lose precision. */
const MAX_DURATION_MS = 100 * 365 * 86_400_000;

function assertDuration(name: string, ms: number, least: number): void {
  if (!Number.isSafeInteger(ms) || ms < least || ms > MAX_DURATION_MS) {
    throw new TypeError(
      `ledger: ${name} is not a duration in whole milliseconds of at least ${least}`,
    );
  }
}
