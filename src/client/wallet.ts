/** What all calls of one paying `fetch` share. */
import type { ClientScheme } from "../core/scheme.ts";
import { assertPositive } from "./assert.ts";
import { callStore, type CallStore } from "./call-store.ts";
import { about, type Emit, type SpendEvent } from "./events.ts";
import { parseMoney, type Amounts, type Money } from "./money.ts";
import type { SpendPolicy } from "./policy.ts";
import type { SelectOptions } from "./select.ts";
import type { PaymentSlots } from "./slots.ts";
import type { Spend, SpendChange, SpendStore } from "./spend-store.ts";

export interface RetryOptions {
  /** How often one payment is presented within a call; default 6. */
  readonly attempts?: number;
  /** How long one answer is waited for, in milliseconds; default 60,000. */
  readonly timeoutMs?: number;
  /** The longest wait between two, whatever Retry-After says: with more the call ends; default 30,000. */
  readonly maxWaitMs?: number;
}

export interface WalletOptions extends SelectOptions {
  /** What can be paid with, for example `[exactEvm({ account })]`. */
  readonly schemes: readonly ClientScheme[];
  /** The most that one payment may cost; default `"$1"`. Tokens that are no dollars need a limit in their own unit. */
  readonly maxAmount?: Money;
  /** The longest that a payment may stay valid, whatever the server asks for; default 3600. */
  readonly maxLifetimeSeconds?: number;
  /** What may be spent beyond that: `spendPolicy({ budgets: [{ limit: "$10" }] })`. */
  readonly policy?: SpendPolicy;
  /**
   * Where spending is written down: `memorySpendStore()`, `fileSpendStore(path)` or `redisSpendStore(redis)`. Budgets
   * need one. Without it, only what a later call has to finish is kept, in memory.
   */
  readonly store?: SpendStore;
  /**
   * Name of this agent among those that share the store, of which one runs at a time: what an earlier run of it left
   * unfinished is taken up at once. Without a name it is taken up when the earlier run is known to be over.
   */
  readonly agent?: string;
  readonly retry?: RetryOptions;
  /** How many calls may be paying at the same time: `limitConcurrency({ perHost: 4 })`. Default: any number. */
  readonly concurrency?: PaymentSlots;
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number;
}

export interface Wallet extends Pick<
  WalletOptions,
  "schemes" | "policy" | "select" | "agent" | "concurrency"
> {
  readonly maxAmount: Amounts;
  readonly maxLifetimeSeconds: number;
  readonly store: CallStore;
  readonly owner: string;
  readonly retry: Required<RetryOptions>;
  readonly now: () => number;
  /** Tells the observer what happened to a payment. */
  tell(spend: Spend, event: SpendEvent): void;
  /** A lease that begins now. */
  leaseUntil(): number;
  /** Renews the lease of a payment until something is noted about it. */
  keepLease(spend: Spend): void;
  /** Writes what `note` could not: before anything is taken or reserved. @throws what the store throws. */
  catchUp(): Promise<void>;
  /**
   * Writes what became of a payment, where a failure to do so must change nothing for the caller: see `catchUp`. The lease
   * is not renewed any more.
   */
  note(spend: Spend, change: SpendChange): Promise<void>;
}

/** No timer takes more milliseconds, and no date many more seconds. */
const MOST = 2 ** 30;

/** @throws TypeError for options that cannot work. */
export function createWallet(options: WalletOptions, emit: Emit): Wallet {
  const { schemes, policy, maxLifetimeSeconds = 3600, now = Date.now } = options;
  const store: CallStore = options.store ?? callStore();
  if (options.store === undefined && policy?.counts === true)
    throw new TypeError("budgets and pinPayees need a store, for example memorySpendStore()");
  if (schemes.length === 0)
    throw new TypeError("give schemes, for example [exactEvm({ account })]");
  const retry = { attempts: 6, timeoutMs: 60_000, maxWaitMs: 30_000, ...options.retry };
  for (const [name, value] of Object.entries({ maxLifetimeSeconds, ...retry }))
    assertPositive(name, value, MOST);
  const { leaseMs } = store;
  const leaseUntil = () => (leaseMs === undefined ? Number.MAX_SAFE_INTEGER : now() + leaseMs);
  /** What could not be written, by payment. */
  const unwritten = new Map<string, SpendChange>();
  const onFailure = (error: unknown) => emit({ type: "store_failed", error });
  const renewals = new Map<string, ReturnType<typeof setInterval>>();
  return {
    ...options,
    maxAmount: parseMoney(options.maxAmount ?? "$1", "maxAmount"),
    maxLifetimeSeconds,
    store,
    owner: crypto.randomUUID(),
    retry,
    now,
    tell: (spend, event) => emit(about(spend, event)),
    leaseUntil,
    keepLease({ id }) {
      if (leaseMs === undefined || renewals.has(id)) return;
      const renew = () => store.update(id, { leaseUntilMs: leaseUntil() }).catch(onFailure);
      renewals.set(id, setInterval(renew, leaseMs / 3));
    },
    async catchUp() {
      for (const [id, change] of unwritten) {
        await store.update(id, change);
        if (unwritten.get(id) === change) unwritten.delete(id);
      }
    },
    async note({ id }, change) {
      clearInterval(renewals.get(id));
      renewals.delete(id);
      const all = { ...unwritten.get(id), ...change };
      try {
        await store.update(id, all);
        unwritten.delete(id);
      } catch (error) {
        unwritten.set(id, all);
        onFailure(error);
      }
    },
  };
}
