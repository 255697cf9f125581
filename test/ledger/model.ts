import type { SettlementState } from "../../src/ledger/ledger.ts";
import { FINAL_STATES, SETTLEMENT_TRANSITIONS } from "../../src/ledger/ledger.ts";
import { holdModel, laneModel } from "./model-holds-lanes.ts";
import type { HoldStep, LaneStep } from "./model-holds-lanes.ts";

/** What can be asked about records; `age` says how many owners ago the fence was that the caller holds. */
export type RecordStep =
  | {
      op: "claim";
      key: string;
      claimant: string;
      hash: string;
      token: string;
      leaseMs: number;
      ttlMs: number;
    }
  | {
      op: "advance";
      key: string;
      age: number;
      to: SettlementState;
      reopens?: string;
      transaction?: string;
      reason?: string;
      block?: string;
    }
  | { op: "renew"; key: string; age: number; leaseMs: number }
  | { op: "release"; key: string; age: number }
  | { op: "handOut"; key: string; claimant: string; hash: string; token: string }
  | { op: "get"; key: string };

export type Step = RecordStep | HoldStep | LaneStep | { op: "tick"; ms: number };

/** A record with times since the model began; its fence is the how-manieth owner of this key it is. */
export interface ModelRecord {
  state: SettlementState;
  owner: number;
  claimant: string;
  hash: string;
  token: string;
  transaction: string | undefined;
  reason: string | undefined;
  block: string | undefined;
  handedOutTo: string;
  created: number;
  signed: number | undefined;
  finished: number | undefined;
  leaseUntil: number;
}

type Kept = ModelRecord & { expires: number };

/** Counts the owners of something. */
export function ownerCount() {
  const owners = new Map<string, number>();
  return {
    of: (key: string): number => owners.get(key) ?? 0,
    next(key: string): number {
      owners.set(key, this.of(key) + 1);
      return this.of(key);
    },
  };
}

/** The contract again, as simply as it can be said: answers what a ledger must answer to each step. */
export function ledgerModel() {
  const clock = { now: 0 };
  const records = recordModel(clock);
  const holds = holdModel(clock);
  const lanes = laneModel(clock);
  return {
    /** How many owners a payment or lane has had. */
    owners: (step: Step): number => {
      if ("key" in step) return records.owners(step.key);
      return "lane" in step ? lanes.owners(step.lane) : 0;
    },
    answer(step: Step): unknown {
      if (step.op === "tick") {
        clock.now += step.ms;
        return undefined;
      }
      if ("key" in step) return records.answer(step);
      return "account" in step ? holds(step) : lanes.answer(step);
    },
  };
}

function recordModel(clock: { now: number }) {
  const records = new Map<string, Kept>();
  const owners = ownerCount();

  const seen = ({ expires: _expires, ...rest }: Kept): ModelRecord => rest;
  const lease = (kept: Kept, leaseMs: number, ttlMs = 0): void => {
    kept.leaseUntil = clock.now + leaseMs;
    kept.expires = Math.max(kept.expires, clock.now + ttlMs, kept.leaseUntil);
  };

  function claim(step: RecordStep & { op: "claim" }, kept: Kept | undefined): unknown {
    const { key, claimant, hash, token, leaseMs, ttlMs } = step;
    if (kept === undefined) {
      const made: Kept = {
        state: "claimed",
        owner: owners.next(key),
        claimant,
        hash,
        token,
        transaction: undefined,
        reason: undefined,
        block: undefined,
        handedOutTo: "",
        created: clock.now,
        signed: undefined,
        finished: undefined,
        leaseUntil: 0,
        expires: 0,
      };
      lease(made, leaseMs, ttlMs);
      records.set(key, made);
      return ["claimed", seen(made)];
    }
    if (FINAL_STATES.has(kept.state)) return ["final", seen(kept)];
    const theirs = kept.claimant === claimant && kept.hash === hash;
    const lapsed = kept.leaseUntil <= clock.now;
    if (kept.state !== "claimed" || !theirs) return ["held", seen(kept)];
    if (!lapsed && kept.token !== token) return ["held", seen(kept)];
    if (lapsed) {
      if (kept.token !== token) kept.owner = owners.next(key);
      kept.token = token;
      lease(kept, leaseMs, ttlMs);
    }
    return ["claimed", seen(kept)];
  }

  function advance(step: RecordStep & { op: "advance" }, kept: Kept): unknown {
    const { to, transaction = kept.transaction, reason = kept.reason, block = kept.block } = step;
    const facts = { transaction, reason, block };
    const nothingNew = Object.entries(facts).every(
      ([name, fact]) => fact === kept[name as "block"],
    );
    if (kept.state === to && nothingNew && to !== "claimed") return seen(kept);
    if (!SETTLEMENT_TRANSITIONS[kept.state].includes(to)) return undefined;
    if (FINAL_STATES.has(kept.state) && kept.transaction === undefined) return undefined;
    if (FINAL_STATES.has(kept.state) && kept.transaction !== step.reopens) return undefined;
    Object.assign(kept, facts, { state: to });
    if (to === "signed") Object.assign(kept, { reason: step.reason, block: step.block });
    if (to === "signed") kept.signed = clock.now;
    kept.finished = to === "signed" ? undefined : clock.now;
    return seen(kept);
  }

  function answer(step: RecordStep): unknown {
    const { key } = step;
    if ((records.get(key)?.expires ?? Infinity) <= clock.now) records.delete(key);
    const kept = records.get(key);
    const owned = "age" in step && kept?.owner === owners.of(key) - step.age;
    switch (step.op) {
      case "claim":
        return claim(step, kept);
      case "advance":
        return owned ? advance(step, kept) : undefined;
      case "renew":
        if (!owned || kept.state !== "claimed") return false;
        lease(kept, step.leaseMs);
        return true;
      case "release":
        return owned && kept.state === "claimed" && records.delete(key);
      case "handOut": {
        const { claimant, hash, token } = step;
        if (kept?.state !== "confirmed" || kept.claimant !== claimant || kept.hash !== hash)
          return false;
        if (claimant !== "") return true;
        kept.handedOutTo ||= token;
        return kept.handedOutTo === token;
      }
      default:
        return kept === undefined ? undefined : seen(kept);
    }
  }

  return { answer, owners: owners.of };
}
