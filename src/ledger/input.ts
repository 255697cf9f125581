import type { LaneTransaction } from "./lanes.ts";
import type { ClaimInput, Hold, Transition } from "./ledger.ts";

/** The optional facts that a transition may add to a record. */
export const TRANSITION_FIELDS = ["transaction", "block", "reason"] as const;

/** Throws a `TypeError` unless every store would keep exactly what the caller gave. */
export function assertClaimInput(input: ClaimInput): void {
  assertKey(input.key);
  assertText("claimant", input.claimant);
  assertText("requirementsHash", input.requirementsHash);
  assertText("payment", input.payment);
  assertName("token", input.token);
  assertDuration("leaseMs", input.leaseMs, 0);
  assertDuration("ttlMs", input.ttlMs, 1);
}

/** Like `assertClaimInput`, for `advance`. */
export function assertTransition(key: string, transition: Transition): void {
  assertKey(key);
  assertFence(transition.fence);
  assertText("to", transition.to);
  if (transition.reopens !== undefined) assertName("reopens", transition.reopens);
  for (const field of TRANSITION_FIELDS) {
    const value = transition[field];
    if (value !== undefined) assertText(field, value);
  }
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

/** Like `assertClaimInput`, for `adopt`. */
export function assertAdoption(key: string, fence: number, transaction: string): void {
  assertOwner(key, fence);
  assertName("transaction", transaction);
}

/** Like `assertClaimInput`, for `handOut`. */
export function assertClaimant(
  key: string,
  claimant: string,
  requirementsHash: string,
  token: string,
): void {
  assertKey(key);
  assertText("claimant", claimant);
  assertText("requirementsHash", requirementsHash);
  assertName("token", token);
}

/** Like `assertClaimInput`, for `index`. */
export function assertIndex(transaction: string, keys: readonly string[], ttlMs: number): void {
  assertKey(transaction);
  for (const key of keys) assertKey(key);
  assertDuration("ttlMs", ttlMs, 1);
}

/** Like `assertClaimInput`, for `get`. */
export function assertKey(key: string): void {
  assertName("key", key);
}

/** Like `assertClaimInput`, for `hold`. */
export function assertHold(hold: Hold): void {
  assertHoldName(hold.account, hold.id);
  assertUint256("amount", hold.amount);
  assertUint256("available", hold.available);
  assertDuration("ttlMs", hold.ttlMs, 1);
}

/** Like `assertClaimInput`, for `unhold`. */
export function assertHoldName(account: string, id: string): void {
  assertName("account", account);
  assertName("id", id);
}

/** Like `assertClaimInput`, for `lanes.announce`. */
export function assertAnnouncement(group: string, owner: string, ttlMs: number): void {
  assertName("group", group);
  assertName("owner", owner);
  assertDuration("ttlMs", ttlMs, 0);
}

/** Like `assertClaimInput`, for `lanes.acquire`. */
export function assertAcquisition(lane: string, owner: string, leaseMs: number): void {
  assertLane(lane);
  assertName("owner", owner);
  assertDuration("leaseMs", leaseMs, 0);
}

/** Like `assertClaimInput`, for `lanes.renew`. */
export function assertLaneRenewal(lane: string, fence: number, leaseMs: number): void {
  assertLaneOwner(lane, fence);
  assertDuration("leaseMs", leaseMs, 0);
}

/** Like `assertClaimInput`, for `lanes.record`. */
export function assertLaneTransaction(
  lane: string,
  fence: number,
  transaction: LaneTransaction,
): void {
  assertLaneOwner(lane, fence);
  if (transaction.version !== 1)
    throw new TypeError("ledger: the transaction has an unknown version");
  assertName("hash", transaction.hash);
  assertText("raw", transaction.raw);
  if (!Number.isSafeInteger(transaction.nonce) || transaction.nonce < 0) {
    throw new TypeError("ledger: nonce is not a safe integer of at least 0");
  }
  for (const member of transaction.members) assertName("member", member);
}

/** Like `assertClaimInput`, for `lanes.retire`. */
export function assertRetirement(lane: string, fence: number, hashes: readonly string[]): void {
  assertLaneOwner(lane, fence);
  for (const hash of hashes) assertName("hash", hash);
}

/** Like `assertClaimInput`, for `lanes.release`. */
export function assertLaneOwner(lane: string, fence: number): void {
  assertLane(lane);
  assertFence(fence);
}

/** Like `assertClaimInput`, for `lanes.open`. */
export function assertLane(lane: string): void {
  assertName("lane", lane);
}

function assertFence(fence: number): void {
  if (!Number.isSafeInteger(fence)) throw new TypeError("ledger: fence is not a safe integer");
}

export function assertName(name: string, text: string): void {
  assertText(name, text);
  if (text === "") throw new TypeError(`ledger: ${name} is empty`);
}

/** Lone surrogates become U+FFFD in UTF-8: two different keys or claimants would be one. */
function assertText(name: string, text: string): void {
  if (typeof text !== "string" || !text.isWellFormed()) {
    throw new TypeError(`ledger: ${name} is not a well-formed string`);
  }
}

function assertUint256(name: string, amount: bigint): void {
  if (typeof amount !== "bigint" || amount < 0n || amount >= 1n << 256n) {
    throw new TypeError(`ledger: ${name} is not a uint256`);
  }
}

/** A hundred years: far from where sums of milliseconds would lose precision. */
const MAX_DURATION_MS = 100 * 365 * 86_400_000;

export function assertDuration(name: string, ms: number, least: number): void {
  if (!Number.isSafeInteger(ms) || ms < least || ms > MAX_DURATION_MS) {
    throw new TypeError(
      `ledger: ${name} is not a duration in whole milliseconds of at least ${least}`,
    );
  }
}
