/** A spend store that tells what was signed, and what that adds up to. */
import { memorySpendStore, type Budget, type SpendStore } from "../../../src/client/index.ts";

export interface Written {
  readonly atMs: number;
  readonly host: string;
  readonly payTo: string;
  readonly nonce: string;
  /** What it adds to what could be taken from this payee by this nonce. */
  readonly adds: number;
}

/** A store that tells what was signed, as it is written down. */
export function recorded(written: Written[]): SpendStore {
  const store = memorySpendStore();
  const spends = new Map<string, { atMs: number; host: string; payTo: string }>();
  const most = new Map<string, number>();
  return {
    ...store,
    async reserve(spend, ...rest) {
      spends.set(spend.id, spend);
      return await store.reserve(spend, ...rest);
    },
    async update(id, change) {
      const done = await store.update(id, change);
      const { authorization } = (change.payload ?? {}) as {
        authorization?: { nonce: string; value: string };
      };
      const spend = spends.get(id);
      if (authorization !== undefined && spend !== undefined) {
        const { atMs, host, payTo } = spend;
        const key = `${authorization.nonce} ${payTo}`;
        const before = most.get(key) ?? 0;
        const value = Math.max(before, Number(authorization.value));
        most.set(key, value);
        written.push({ atMs, host, payTo, nonce: authorization.nonce, adds: value - before });
      }
      return done;
    },
  };
}

/** The most that one window of a budget holds. */
export function mostIn(
  { windowSeconds: window, by, host, payee }: Omit<Budget, "limit">,
  all: readonly Written[],
) {
  const counted = all.filter(
    (one) => (host ?? one.host) === one.host && (payee ?? one.payTo) === one.payTo,
  );
  const byKey = new Map<string, Written[]>();
  for (const one of counted) {
    const key = by === "host" ? one.host : by === "payee" ? one.payTo : "";
    byKey.set(key, [...(byKey.get(key) ?? []), one]);
  }
  const sums = [...byKey.values()].flatMap((group) =>
    group.map(({ atMs: end }) =>
      group
        .filter(({ atMs }) => atMs <= end && (window === undefined || atMs > end - window * 1000))
        .reduce((sum, { adds }) => sum + adds, 0),
    ),
  );
  return Math.max(0, ...sums);
}
