import type { SettlementState } from "../../src/ledger/ledger.ts";
import { SETTLEMENT_TRANSITIONS } from "../../src/ledger/ledger.ts";

/** What can be asked of a ledger; `age` says how many owners ago the fence was that the caller holds. */
export type Step =
  | { op: "claim"; key: string; claimant: string; hash: string; leaseMs: number; ttlMs: number }
  | {
      op: "advance";
      key: string;
      age: number;
      to: SettlementState;
      leaseMs?: number;
      reason?: string;
    }
  | { op: "renew"; key: string; age: number; leaseMs: number }
  | { op: "release"; key: string; age: number }
  | { op: "handOut"; key: string; claimant: string; hash: string }
  | { op: "get"; key: string }
  | { op: "tick"; ms: number };

/** A record without times; its fence is the how-manieth owner of this key it is. */
export interface ModelRecord {
  state: SettlementState;
  owner: number;
  claimant: string;
  hash: string;
  reason: string | undefined;
  handedOut: boolean;
}

type Kept = ModelRecord & { leaseUntil: number; expires: number };

/** The contract again, as simply as it can be said: answers what a ledger must answer to each step. */
export function ledgerModel() {
  const records = new Map<string, Kept>();
  const owners = new Map<string, number>();
  let now = 0;

  const nextOwner = (key: string): number => {
    const owner = (owners.get(key) ?? 0) + 1;
    owners.set(key, owner);
    return owner;
  };
  const seen = (kept: Kept): ModelRecord => {
    const { state, owner, claimant, hash, reason, handedOut } = kept;
    return { state, owner, claimant, hash, reason, handedOut };
  };
  const lease = (kept: Kept, ms: number): void => {
    kept.leaseUntil = now + ms;
    kept.expires = Math.max(kept.expires, kept.leaseUntil);
  };

  function answer(step: Step): unknown {
    if (step.op === "tick") {
      now += step.ms;
      return undefined;
    }
    const { key } = step;
    const old = records.get(key);
    if (old !== undefined && old.expires <= now) records.delete(key);
    const kept = records.get(key);
    const owned =
      "age" in step && kept !== undefined && kept.owner === (owners.get(key) ?? 0) - step.age;
    const final = kept?.state === "confirmed" || kept?.state === "failed";
    switch (step.op) {
      case "claim": {
        if (kept === undefined) {
          const { claimant, hash } = step;
          const base = { state: "claimed" as const, owner: nextOwner(key), claimant, hash };
          const made = {
            ...base,
            reason: undefined,
            handedOut: false,
            leaseUntil: 0,
            expires: now + step.ttlMs,
          };
          lease(made, step.leaseMs);
          records.set(key, made);
          return ["claimed", seen(made)];
        }
        if (final) return ["final", seen(kept)];
        if (kept.claimant !== step.claimant || kept.hash !== step.hash || kept.leaseUntil > now) {
          return ["held", seen(kept)];
        }
        kept.owner = nextOwner(key);
        kept.expires = Math.max(kept.expires, now + step.ttlMs);
        lease(kept, step.leaseMs);
        return ["resumed", seen(kept)];
      }
      case "advance":
        if (!owned || !SETTLEMENT_TRANSITIONS[kept.state].includes(step.to)) return undefined;
        kept.state = step.to;
        kept.reason = step.reason ?? kept.reason;
        if (step.leaseMs !== undefined) lease(kept, step.leaseMs);
        return seen(kept);
      case "renew":
        if (!owned || final) return false;
        lease(kept, step.leaseMs);
        return true;
      case "release":
        return owned && kept.state === "claimed" && records.delete(key);
      case "handOut": {
        if (
          kept?.state !== "confirmed" ||
          kept.claimant !== step.claimant ||
          kept.hash !== step.hash
        )
          return false;
        if (step.claimant !== "") return true;
        const first = !kept.handedOut;
        kept.handedOut = true;
        return first;
      }
      default:
        return kept === undefined ? undefined : seen(kept);
    }
  }

  return { answer, owner: (key: string) => owners.get(key) ?? 0 };
}
