import type { ClaimChange, PaymentClaim } from "../../src/ledger/claims.ts";

/** What a holder can ask for, and what can happen. `tick` and `lapse` are the world's. */
export type ClaimsStep =
  | { op: "claim"; key: string; holder: string; claim: PaymentClaim; ttlMs: number }
  | { op: "resume"; key: string; holder: string }
  | {
      op: "write";
      key: string;
      holder: string;
      change: ClaimChange;
      letGo: boolean;
      ttlMs: number | undefined;
    }
  | { op: "renew" | "forget"; key: string; holder: string }
  | { op: "get" | "lapse"; key: string }
  | { op: "identify"; identifier: string; key: string; ttlMs: number }
  | { op: "tick"; ms: number };

interface Kept {
  claim: PaymentClaim;
  /** Of the last who got hold of it, unless they let go. */
  token: number | undefined;
  lapsed: boolean;
  untilMs: number;
}

const ORDER = { claimed: 1, served: 2, settled: 3 };

/** The contract again, as simply as it can be said: answers what a store must answer to each step. */
export function claimsModel() {
  const claims = new Map<string, Kept>();
  const identifiers = new Map<string, { key: string; untilMs: number }>();
  const tokens = new Map<string, number>();
  let now = 0;
  let lastToken = 0;

  const isHeld = (kept: Kept) => kept.token !== undefined && !kept.lapsed;

  function hold({ key, holder }: { key: string; holder: string }, kept: Kept): void {
    Object.assign(kept, { token: ++lastToken, lapsed: false });
    tokens.set(`${key} ${holder}`, lastToken);
  }

  function write(step: ClaimsStep & { op: "write" }, kept: Kept): boolean {
    const { change, letGo, ttlMs } = step;
    if (change.state !== undefined && ORDER[change.state] < ORDER[kept.claim.state]) return false;
    kept.claim = { ...kept.claim, ...change };
    if (ttlMs !== undefined) kept.untilMs = now + ttlMs;
    if (letGo) kept.token = undefined;
    return true;
  }

  function answer(step: ClaimsStep): unknown {
    if (step.op === "tick") {
      now += step.ms;
      return undefined;
    }
    const { key } = step;
    if (step.op === "identify") {
      const bound = identifiers.get(step.identifier);
      if (bound !== undefined && bound.untilMs > now) return bound.key;
      identifiers.set(step.identifier, { key, untilMs: now + step.ttlMs });
      return key;
    }
    const found = claims.get(key);
    if (found !== undefined && !isHeld(found) && found.untilMs <= now) claims.delete(key);
    const kept = claims.get(key);
    const token = "holder" in step ? tokens.get(`${key} ${step.holder}`) : undefined;
    const owned = kept?.token !== undefined && kept.token === token;
    switch (step.op) {
      case "claim": {
        if (kept !== undefined) return false;
        const { claim, ttlMs } = step;
        const made: Kept = { claim, token: undefined, lapsed: false, untilMs: now + ttlMs };
        hold(step, made);
        claims.set(key, made);
        return true;
      }
      case "resume":
        if (kept === undefined || isHeld(kept)) return undefined;
        hold(step, kept);
        return kept.claim;
      case "write":
        return owned && write(step, kept);
      case "renew":
        if (owned) kept.lapsed = false;
        return owned;
      case "forget":
        return owned && claims.delete(key);
      case "lapse":
        if (kept !== undefined) kept.lapsed = true;
        return undefined;
      default:
        return kept && { claim: kept.claim, held: isHeld(kept) };
    }
  }

  return { answer };
}
