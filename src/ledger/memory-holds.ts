import { expiringMap } from "./expiring-map.ts";
import type { Hold } from "./ledger.ts";

interface Held {
  readonly amount: bigint;
  readonly untilMs: number;
}

/** The holds of a ledger in memory. */
export function memoryHolds() {
  const accounts = expiringMap<Map<string, Held>>();

  return {
    hold({ account, id, amount, available, ttlMs }: Hold, nowMs: number): boolean {
      const holds = accounts.get(account, nowMs) ?? new Map<string, Held>();
      let total = amount;
      for (const [other, { amount: held, untilMs }] of holds) {
        if (untilMs <= nowMs) holds.delete(other);
        else if (other !== id) total += held;
      }
      if (total > available) return false;
      holds.set(id, { amount, untilMs: nowMs + ttlMs });
      accounts.set(account, holds, nowMs + ttlMs);
      return true;
    },
    unhold(account: string, id: string, nowMs: number): void {
      const holds = accounts.get(account, nowMs);
      if (holds?.delete(id) && holds.size === 0) accounts.delete(account);
    },
    clear: accounts.clear,
  };
}
