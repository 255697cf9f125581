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
import { parseWholeNumber } from "./redis-record.ts";
import { isYes, malformed } from "./redis-run.ts";
import type { RunScript } from "./redis-run.ts";

const FIELD = "tx:";

/** Lanes in Redis. */
export function redisLanes(run: RunScript, prefix: string): LaneStore {
  const keysOf = (lane: string): string[] => [`${prefix}:{lane:${lane}}`];

  return {
    announce: async (group, owner, ttlMs) => {
      assertAnnouncement(group, owner, ttlMs);
      const keys = [`${prefix}:owners:{${group}}`];
      const { status, more } = await run("announceOwner", keys, owner, ttlMs);
      const count = parseWholeNumber(more);
      if (status !== "alive" || count === undefined) throw malformed("announceOwner");
      return count;
    },
    acquire: async (lane, owner, leaseMs) => {
      assertAcquisition(lane, owner, leaseMs);
      const { status, more } = await run("acquireLane", keysOf(lane), owner, leaseMs);
      if (status === "held") return undefined;
      const fence = parseWholeNumber(more);
      if (status !== "acquired" || fence === undefined) throw malformed("acquireLane");
      return fence;
    },
    renew: async (lane, fence, leaseMs) => {
      assertLaneRenewal(lane, fence, leaseMs);
      return isYes("renewLane", await run("renewLane", keysOf(lane), fence, leaseMs));
    },
    release: async (lane, fence) => {
      assertLaneOwner(lane, fence);
      isYes("releaseLane", await run("releaseLane", keysOf(lane), fence));
    },
    record: async (lane, fence, transaction) => {
      assertLaneTransaction(lane, fence, transaction);
      const { version, hash, raw, nonce, members } = transaction;
      const json = JSON.stringify({ version, hash, raw, nonce, members });
      const reply = await run("recordTransaction", keysOf(lane), fence, hash, json);
      return isYes("recordTransaction", reply);
    },
    open: async (lane) => {
      assertLane(lane);
      const { status, more } = await run("openLane", keysOf(lane));
      if (status === "none") return [];
      const log = [...fieldsOf(more)]
        .filter(([field]) => field.startsWith(FIELD))
        .map(([field, entry]) => parseEntry(field.slice(FIELD.length), entry));
      return log
        .toSorted((a, b) => a.transaction.nonce - b.transaction.nonce || a.count - b.count)
        .map(({ transaction }) => transaction);
    },
    retire: async (lane, fence, hashes) => {
      assertRetirement(lane, fence, hashes);
      const reply = await run("retireTransactions", keysOf(lane), fence, ...hashes);
      return isYes("retireTransactions", reply);
    },
  };
}

/** Fields and values, from the list that HGETALL answers inside a script. */
function fieldsOf(reply: unknown): Map<string, string> {
  const fields = new Map<string, string>();
  if (!Array.isArray(reply)) return fields;
  for (let i = 0; i + 1 < reply.length; i += 2) fields.set(String(reply[i]), String(reply[i + 1]));
  return fields;
}

/** Reads `<count> <JSON>`. A log that is not whole throws: whoever takes a lane over must know all of it. */
function parseEntry(hash: string, entry: string): { count: number; transaction: LaneTransaction } {
  const space = entry.indexOf(" ");
  const count = parseWholeNumber(entry.slice(0, space));
  const transaction = parseJson(entry.slice(space + 1));
  if (count === undefined || !isLaneTransaction(transaction) || transaction.hash !== hash) {
    throw malformed("openLane");
  }
  return { count, transaction };
}

function isLaneTransaction(value: unknown): value is LaneTransaction {
  if (typeof value !== "object" || value === null) return false;
  const { version, hash, raw, nonce, members } = value as Record<string, unknown>;
  return (
    version === 1 &&
    typeof hash === "string" &&
    typeof raw === "string" &&
    Number.isSafeInteger(nonce) &&
    Array.isArray(members) &&
    members.every((member) => typeof member === "string")
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
