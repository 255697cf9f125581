import { isOver, type Spend, type SpendStore } from "./spend-store.ts";

/** Calls that ended without an answer are remembered up to this many. */
const MAX_CALLS = 10_000;

/** What a paying `fetch` needs of a spend store. */
export type CallStore = Pick<SpendStore, "leaseMs" | "reserve" | "update" | "take">;

/** Keeps what a later call has to finish, and counts nothing: for those who set no budget. */
export function callStore(): CallStore {
  const spends = new Map<string, Spend>();
  return {
    async reserve(spend) {
      spends.set(spend.id, spend);
      const [oldest] = spends.keys();
      if (spends.size > MAX_CALLS && oldest !== undefined) spends.delete(oldest);
      return undefined;
    },
    async update(id, change) {
      const spend = spends.get(id);
      if (spend === undefined) return false;
      const changed = { ...spend, ...change };
      if (["paid", "delivered", "replaced", "released"].includes(changed.state)) spends.delete(id);
      else spends.set(id, changed);
      return true;
    },
    async take(request, owner, { nowMs }) {
      for (const spend of spends.values()) {
        if (isOver(spend, nowMs)) spends.delete(spend.id);
        else if (
          spend.request === request &&
          spend.leaseUntilMs <= nowMs &&
          spend.state !== "reserved"
        ) {
          const taken = { ...spend, owner, leaseUntilMs: Number.MAX_SAFE_INTEGER };
          spends.set(spend.id, taken);
          return { spend: taken };
        }
      }
      return undefined;
    },
  };
}
