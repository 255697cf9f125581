import {
  assertAcquisition,
  assertAnnouncement,
  assertLane,
  assertLaneOwner,
  assertLaneRenewal,
  assertLaneTransaction,
  assertRetirement,
} from "./input.ts";
import type { LaneStore, LaneTransaction } from "./lanes.ts";
import type { LedgerOperation } from "./unavailable.ts";

interface Lane {
  fence: number;
  /** Empty: released. */
  owner: string;
  leaseUntilMs: number;
  /** By hash, in the order of recording. */
  readonly log: Map<string, LaneTransaction>;
}

/** Lanes in the memory of one process. `assertOpen` throws once the ledger is closed. */
export function memoryLanes(
  now: () => number,
  nextFence: () => number,
  assertOpen: (operation: LedgerOperation) => void,
): LaneStore {
  const lanes = new Map<string, Lane>();
  const groups = new Map<string, Map<string, number>>(); // until when each owner is alive

  /** The lane, if this fence has it; its lease may have run out, but nobody else has taken it. */
  function own(operation: LedgerOperation, lane: string, fence: number): Lane | undefined {
    assertOpen(operation);
    const found = lanes.get(lane);
    return found?.fence === fence && found.owner !== "" ? found : undefined;
  }

  function announce(group: string, owner: string, ttlMs: number): number {
    assertAnnouncement(group, owner, ttlMs);
    assertOpen("announceOwner");
    const nowMs = now();
    const owners = groups.get(group) ?? new Map<string, number>();
    groups.set(group, owners.set(owner, nowMs + ttlMs));
    for (const [name, untilMs] of owners) if (untilMs <= nowMs) owners.delete(name);
    return owners.size;
  }

  function acquire(lane: string, owner: string, leaseMs: number): number | undefined {
    assertAcquisition(lane, owner, leaseMs);
    assertOpen("acquireLane");
    const nowMs = now();
    const found = lanes.get(lane) ?? { fence: 0, owner: "", leaseUntilMs: 0, log: new Map() };
    if (found.owner !== owner) {
      if (found.owner !== "" && found.leaseUntilMs > nowMs) return undefined;
      found.owner = owner;
      found.fence = nextFence();
    }
    found.leaseUntilMs = nowMs + leaseMs;
    lanes.set(lane, found);
    return found.fence;
  }

  function renew(lane: string, fence: number, leaseMs: number): boolean {
    assertLaneRenewal(lane, fence, leaseMs);
    const found = own("renewLane", lane, fence);
    if (found === undefined) return false;
    found.leaseUntilMs = now() + leaseMs;
    return true;
  }

  function release(lane: string, fence: number): void {
    assertLaneOwner(lane, fence);
    const found = own("releaseLane", lane, fence);
    if (found !== undefined) found.owner = "";
  }

  function record(lane: string, fence: number, transaction: LaneTransaction): boolean {
    assertLaneTransaction(lane, fence, transaction);
    const found = own("recordTransaction", lane, fence);
    if (found === undefined || found.leaseUntilMs <= now()) return false;
    if (!found.log.has(transaction.hash)) {
      const { version, hash, raw, nonce } = transaction;
      const members = Object.freeze([...transaction.members]);
      found.log.set(hash, Object.freeze({ version, hash, raw, nonce, members }));
    }
    return true;
  }

  function open(lane: string): LaneTransaction[] {
    assertLane(lane);
    assertOpen("openLane");
    return [...(lanes.get(lane)?.log.values() ?? [])].toSorted((a, b) => a.nonce - b.nonce);
  }

  function retire(lane: string, fence: number, hashes: readonly string[]): boolean {
    assertRetirement(lane, fence, hashes);
    const found = own("retireTransactions", lane, fence);
    for (const hash of hashes) found?.log.delete(hash);
    return found !== undefined;
  }

  // `async` turns what is thrown into rejections; nothing inside waits, so every operation is atomic.
  return {
    announce: async (group, owner, ttlMs) => announce(group, owner, ttlMs),
    acquire: async (lane, owner, leaseMs) => acquire(lane, owner, leaseMs),
    renew: async (lane, fence, leaseMs) => renew(lane, fence, leaseMs),
    release: async (lane, fence) => release(lane, fence),
    record: async (lane, fence, transaction) => record(lane, fence, transaction),
    open: async (lane) => open(lane),
    retire: async (lane, fence, hashes) => retire(lane, fence, hashes),
  };
}
