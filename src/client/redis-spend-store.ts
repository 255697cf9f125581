/** `farthing/client/redis`: spending in Redis, shared by machines. */
import type { Cluster, Redis } from "ioredis";
import { assertDuration } from "../ledger/input.ts";
import { keptRunner } from "../ledger/redis-kept.ts";
import { isYes, malformed } from "../ledger/redis-run.ts";
import type { SpendOperation } from "../ledger/unavailable.ts";
import { fieldsOf, parseSpend, SPEND_FIELDS, unchangingOf } from "./redis-spend-record.ts";
import { SPEND_SCRIPTS, WALLET_KEYS } from "./redis-spend-scripts.ts";
import { assertNumbers, limitsOf, scopesOf, stepOf } from "./spend-book.ts";
import { SPEND_STEPS } from "./spend-store.ts";
import type { Spend, SpendScope, SpendStore } from "./spend-store.ts";

export interface RedisSpendStoreOptions {
  /** Those that share it share budgets. Default: `default`. */
  readonly wallet?: string;
  /** Begins every key. Default: `farthing`. */
  readonly prefix?: string;
  /** For how many milliseconds a payment is held without being renewed. Default: 10,000. */
  readonly leaseMs?: number;
  /** For how many days final payments are kept; sums are kept for ever. Default: 90. */
  readonly historyDays?: number;
  /** For how many milliseconds an operation waits for a connection before it fails. Default: 1,000. */
  readonly connectionWaitMs?: number;
  /** Unix milliseconds, in place of Redis's clock: the one that the paying `fetch` has, for tests. */
  readonly now?: () => number;
}

/** Spending in Redis. */
export interface RedisSpendStore extends SpendStore {
  readonly leaseMs: number;
  /**
   * Proves that payments can be written and are kept: for start and health. Throws `X402Error` `ledger_unavailable`
   * when Redis cannot be reached, takes no writes, or may evict them.
   */
  check(): Promise<void>;
  /** Ends the client, after the replies that are still due; every operation fails from then on. */
  close(): Promise<void>;
}

const PAGE = 200;
const MAX_UNTOLD = 100;

/**
 * Spending in Redis 6 or newer, or in one slot of a Redis Cluster, that agents on several machines share. The client
 * should have `redisLedgerOptions`; it belongs to the store from now on, and `close` ends it.
 *
 * The clock is Redis's alone: a payment counts from when it arrived there, whatever its `atMs` says, windows end there,
 * and leases and `expiresAtMs` are measured there. A caller whose clock is behind or ahead opens no window, and cannot
 * hold a payment for longer, or lose it earlier, than it asked for by its own clock.
 *
 * A Redis that may evict is refused. Redis replicates asynchronously: a failover may lose the latest reservations, and
 * budgets are exceeded by them then; a payment that was lost so may be made again.
 *
 * @throws TypeError for a wallet or prefix with a brace, or durations that are none.
 */
export function redisSpendStore(
  redis: Redis | Cluster,
  options: RedisSpendStoreOptions = {},
): RedisSpendStore {
  const { wallet = "default", prefix = "farthing", leaseMs = 10_000, historyDays = 90 } = options;
  const { connectionWaitMs = 1_000, now } = options;
  if (wallet === "" || /[{}]/.test(prefix + wallet))
    throw new TypeError("spend: the wallet is empty, or it or the prefix has a brace");
  assertDuration("leaseMs", leaseMs, 1);
  const historyMs = historyDays * 86_400_000;
  assertDuration("historyDays", historyMs, 1);
  const kept = keptRunner(redis, connectionWaitMs, SPEND_SCRIPTS);
  const base = `${prefix}:spend:{${wallet}}:`;
  /** Takings that failed, which may have happened all the same: what was taken so is nobody's. */
  const untold: string[] = [];
  const walletKeys = WALLET_KEYS.map((name) => base + name);

  const run = async (
    operation: SpendOperation,
    sums: readonly string[],
    ...args: (string | number)[]
  ) => await kept.run(operation, [...walletKeys, ...sums], now?.() ?? "", historyMs, ...args);

  const keyOf = (scope: SpendScope, unit: string, step: number): string =>
    `${base}sum:${JSON.stringify([scope, unit, step])}`;
  const keysOf = (spend: Spend): string[] =>
    scopesOf(spend).flatMap((scope) =>
      SPEND_STEPS.map(({ stepSeconds }) => keyOf(scope, spend.unit, stepSeconds)),
    );
  const namesOf = (spend: Spend): string[] =>
    scopesOf(spend).map((scope) => totalOf(scope, spend.unit));
  /** How long a lease is from now on, by this process's clock. */
  const lengthOf = (leaseUntilMs: number, nowMs: number): number =>
    leaseUntilMs === 0 ? 0 : Math.max(1, leaseUntilMs - nowMs);

  function spendIn(operation: SpendOperation, values: unknown): Spend {
    const spend = parseSpend(values);
    if (spend === undefined) throw malformed(operation);
    return spend;
  }

  /** @param text what never changes of the payment. */
  async function release(how: "releaseSpend" | "lapseSpend", text: unknown, fields: string[]) {
    const spend = spendIn(how, [text, ...SPEND_FIELDS.slice(1).map(() => null)]);
    const args = [spend.id, spend.value, ...namesOf(spend), ...fields];
    return isYes(how, await run(how, keysOf(spend), ...args));
  }

  return {
    leaseMs,
    async reserve(spend, limits, pin) {
      const { value, atMs, expiresAtMs, leaseUntilMs } = spend;
      assertNumbers(value, atMs, expiresAtMs, leaseUntilMs, ...limits.map(({ max }) => max));
      const scopes = scopesOf(spend);
      const own = limitsOf(spend, limits);
      const args = [
        spend.id,
        unchangingOf(spend),
        lengthOf(leaseUntilMs, atMs),
        expiresAtMs,
        value,
        pin?.name ?? "",
        pin?.value ?? "",
        ...namesOf(spend),
        own.length,
        ...own.flatMap(({ scope, max, windowSeconds }) => [
          scopes.indexOf(scope),
          max,
          windowSeconds === undefined ? 0 : stepOf(windowSeconds),
          windowSeconds ?? 0,
        ]),
        ...fieldsOf(spend),
      ];
      for (;;) {
        const { status, more } = await run("reserveSpend", keysOf(spend), ...args);
        if (status === "used") throw new TypeError("spend: id is used");
        if (status === "pinned") return { pinned: String(more) };
        if (status === "limit") {
          const [index, spent] = more as string[];
          const limit = own[Number(index)];
          if (limit === undefined) throw malformed("reserveSpend");
          return { limit, spent: Number(spent) };
        }
        if (status === "yes") return undefined;
        if (status !== "lapsed") throw malformed("reserveSpend");
        for (const text of more as unknown[])
          await release("lapseSpend", text, ["state", "released"]);
      }
    },
    async update(id, change) {
      const { leaseUntilMs, expiresAtMs } = change;
      assertNumbers(expiresAtMs ?? 0, leaseUntilMs ?? 0);
      const fields = fieldsOf(change);
      if (expiresAtMs !== undefined) fields.push("expiresAtMs", String(expiresAtMs));
      if (change.state === "released") {
        const { status, more } = await run("readSpend", [], id);
        return status === "found" && (await release("releaseSpend", more, fields));
      }
      const clock = now ?? Date.now;
      const lease = leaseUntilMs === undefined ? "" : lengthOf(leaseUntilMs, clock());
      return isYes("updateSpend", await run("updateSpend", [], id, lease, ...fields));
    },
    async take(request, owner, { nowMs, takeover }) {
      const taking = crypto.randomUUID();
      const args = [request, owner, takeover ? 1 : 0, leaseMs, taking, ...untold];
      const { status, more } = await run("takeSpend", [], ...args).catch((error: unknown) => {
        untold.push(taking);
        if (untold.length > MAX_UNTOLD) untold.shift();
        throw error;
      });
      if (status === "taken") return { spend: spendIn("takeSpend", more) };
      return status === "held" ? { heldUntilMs: nowMs + Number(more) } : undefined;
    },
    async spent(scope, unit, _, windowSeconds) {
      const step = stepOf(windowSeconds);
      const args = [
        totalOf(scope, unit),
        windowSeconds === undefined ? 0 : step,
        windowSeconds ?? 0,
      ];
      return Number((await run("sumSpends", [keyOf(scope, unit, step)], ...args)).more);
    },
    async list({ limit = 100, before = "", states } = {}) {
      const found: Spend[] = [];
      for (let last = before; found.length < limit;) {
        const { more } = await run("listSpends", [], last, PAGE);
        const page = (more as unknown[]).map((values) => spendIn("listSpends", values));
        found.push(...page.filter(({ state }) => states?.includes(state) ?? true));
        last = page.at(-1)?.id ?? "";
        if (page.length < PAGE) break;
      }
      return found.slice(0, limit);
    },
    check: async () => await kept.check("check", [`${base}check`]),
    close: kept.close,
  };
}

/** The field of a sum of all time. */
function totalOf(scope: SpendScope, unit: string): string {
  return JSON.stringify([scope, unit]);
}
