import type { ClaimChange, ClaimState, PaymentClaim } from "./claims.ts";
import { assertDuration, assertKey, assertName } from "./input.ts";

/** From the first to the last; a claim never goes back. */
export const CLAIM_STATES = [
  "claimed",
  "served",
  "settled",
] as const satisfies readonly ClaimState[];

const REQUIRED = ["state", "body", "runs", "delivered"] as const satisfies (keyof ClaimChange)[];

/** Throws a `TypeError` unless every store would keep exactly what the caller gave. */
export function assertNewClaim(key: string, claim: PaymentClaim, ttlMs: number): void {
  assertKey(key);
  assertValues(claim);
  assertDuration("ttlMs", ttlMs, 1);
}

/** Like `assertNewClaim`, for `write`. */
export function assertChange(key: string, change: ClaimChange, ttlMs: number | undefined): void {
  assertKey(key);
  for (const name of REQUIRED) {
    if (name in change && change[name] === undefined)
      throw new TypeError(`claims: ${name} cannot be removed`);
  }
  assertValues(change);
  if (ttlMs !== undefined) assertDuration("ttlMs", ttlMs, 1);
}

/** Like `assertNewClaim`, for `identify`. */
export function assertIdentification(identifier: string, key: string, ttlMs: number): void {
  assertName("identifier", identifier);
  assertKey(key);
  assertDuration("ttlMs", ttlMs, 1);
}

/** The claim after a change; nothing when its state would go backwards. `redis-claim-scripts.ts` says the same in Lua. */
export function changedClaim(claim: PaymentClaim, change: ClaimChange): PaymentClaim | undefined {
  if (change.state !== undefined && rank(change.state) < rank(claim.state)) return undefined;
  return { ...claim, ...change };
}

function assertValues({ state, runs }: ClaimChange): void {
  if (state !== undefined && rank(state) < 0) throw new TypeError("claims: unknown state");
  if (runs !== undefined && !(Number.isSafeInteger(runs) && runs >= 0))
    throw new TypeError("claims: runs is not a whole number");
}

function rank(state: ClaimState): number {
  return CLAIM_STATES.indexOf(state);
}
