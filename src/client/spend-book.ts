import { isOver, SPEND_STEPS } from "./spend-store.ts";
import type {
  Spend,
  SpendChange,
  SpendLimit,
  SpendRefusal,
  SpendScope,
  SpendStore,
  TakenSpend,
} from "./spend-store.ts";

/**
 * What a store in memory or in a file knows. The functions below change it, and nothing else does: without a clock and
 * without chance, so that whoever applies the same operations in the same order has the same book.
 */
export interface SpendBook {
  /** By id, in the order of reservation. */
  readonly spends: Map<string, Spend>;
  /** Ids of those that are neither final nor over, in the same order. */
  readonly open: Set<string>;
  /** By scope, unit and seconds of a step: value by number of the step. */
  readonly sums: Map<string, Map<number, number>>;
  readonly pins: Map<string, string>;
  /** How many final payments are kept. */
  readonly keep: number;
}

export type SpendPin = NonNullable<Parameters<SpendStore["reserve"]>[2]>;
export type TakeOptions = Parameters<SpendStore["take"]>[2];
export type ListOptions = NonNullable<Parameters<SpendStore["list"]>[0]>;

/** For ever is one endless step. */
const FOREVER = Number.POSITIVE_INFINITY;

export function newSpendBook(keep: number): SpendBook {
  return { spends: new Map(), open: new Set(), sums: new Map(), pins: new Map(), keep };
}

/**
 * See `SpendStore.reserve`.
 *
 * @param gone ids of payments whose owners are known to have ended.
 */
export function reserveSpend(
  book: SpendBook,
  spend: Spend,
  limits: readonly SpendLimit[],
  pin?: SpendPin,
  gone?: readonly string[],
): SpendRefusal | undefined {
  const { spends, open, pins, keep } = book;
  const { id, atMs, unit, value } = spend;
  const { expiresAtMs, leaseUntilMs } = spend;
  assertNumbers(value, atMs, expiresAtMs, leaseUntilMs, ...limits.map(({ max }) => max));
  if (spends.has(id)) throw new TypeError("spend: id is used");
  for (const other of openSpends(book)) {
    if (other.state === "reserved" && isFree(other, atMs, gone))
      updateSpend(book, other.id, { state: "released" });
    if (isOver(other, atMs)) open.delete(other.id);
  }
  if (pin) {
    const pinned = pins.get(pin.name) ?? pin.value;
    if (pinned !== pin.value) return { pinned };
  }
  for (const limit of limitsOf(spend, limits)) {
    const spent = sumSpends(book, limit.scope, unit, atMs, limit.windowSeconds);
    if (!(spent + value <= limit.max)) return { limit, spent };
  }
  if (pin) pins.set(pin.name, pin.value);
  count(book, spend, value);
  spends.set(id, spend);
  open.add(id);
  for (const old of spends.keys()) {
    if (spends.size - open.size <= keep) break;
    if (!open.has(old)) spends.delete(old);
  }
  return undefined;
}

/** See `SpendStore.update`. */
export function updateSpend(book: SpendBook, id: string, change: SpendChange): boolean {
  const before = book.spends.get(id);
  if (!before || before.state === "released") return false;
  const spend = { ...before, ...change };
  assertNumbers(spend.expiresAtMs, spend.leaseUntilMs);
  const { state } = spend;
  const isOpen = /^(pen|res|ans|rej)/.test(state);
  if (state === "released") count(book, spend, -spend.value);
  if (state === "released" || state === "paid") {
    delete spend.payload;
    delete spend.headers;
  }
  book.spends.set(id, spend);
  book.open[isOpen ? "add" : "delete"](id);
  return true;
}

/** See `SpendStore.take`: what would be taken, without taking it. */
export function findSpend(
  book: SpendBook,
  request: string,
  owner: string,
  { nowMs, takeover }: TakeOptions,
  gone?: readonly string[],
): TakenSpend | undefined {
  let held: TakenSpend | undefined;
  for (const spend of openSpends(book)) {
    if (spend.request !== request || spend.state === "reserved" || isOver(spend, nowMs)) continue;
    const isOwn = spend.owner === owner;
    if (isFree(spend, nowMs, gone) || (takeover && !isOwn)) return { spend };
    if (!isOwn) held ??= { heldUntilMs: spend.leaseUntilMs };
  }
  return held;
}

/** See `SpendStore.take`. */
export function takeSpend(
  book: SpendBook,
  request: string,
  owner: string,
  options: TakeOptions,
  leaseUntilMs: number,
  gone?: readonly string[],
): TakenSpend | undefined {
  const found = findSpend(book, request, owner, options, gone);
  if (!found || !("spend" in found)) return found;
  const spend = { ...found.spend, owner, leaseUntilMs };
  book.spends.set(spend.id, spend);
  return { spend };
}

/** See `SpendStore.spent`. */
export function sumSpends(
  { sums }: SpendBook,
  scope: SpendScope,
  unit: string,
  nowMs: number,
  windowSeconds?: number,
): number {
  const step = stepOf(windowSeconds);
  const first = Math.floor((nowMs / 1000 - (windowSeconds ?? 0)) / step);
  let sum = 0;
  for (const [index, value] of sums.get(keyOf(scope, unit, step)) ?? [])
    if (index >= first) sum += value;
  return sum;
}

/** See `SpendStore.list`. */
export function listSpends(
  { spends }: SpendBook,
  { limit = 100, before, states }: ListOptions = {},
): Spend[] {
  const all = [...spends.values()].toReversed();
  return all
    .slice(before === undefined ? 0 : all.findIndex(({ id }) => id === before) + 1 || all.length)
    .filter(({ state }) => !states || states.includes(state))
    .slice(0, limit);
}

/** What a payment is counted in. */
export function scopesOf({ host, payTo }: Spend): SpendScope[] {
  return ["total", `host:${host}`, `payee:${payTo.toLowerCase()}`];
}

/** The limits that are about this payment, and that no total outgrows exact numbers. */
export function limitsOf(spend: Spend, limits: readonly SpendLimit[]): SpendLimit[] {
  const { unit } = spend;
  return [...limits, { scope: "total" as const, unit, max: Number.MAX_SAFE_INTEGER }].filter(
    (limit) => limit.unit === unit && scopesOf(spend).includes(limit.scope),
  );
}

/** Throws a `TypeError` for numbers that no store can keep. */
export function assertNumbers(...numbers: readonly number[]): void {
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0))
    throw new TypeError("spend: no safe integer of at least 0");
}

/** Seconds of the steps in which such a window is counted. */
export function stepOf(windowSeconds?: number): number {
  if (windowSeconds === undefined) return FOREVER;
  for (const { stepSeconds, upToSeconds } of SPEND_STEPS)
    if (windowSeconds > 0 && windowSeconds <= upToSeconds) return stepSeconds;
  throw new TypeError("spend: window is not up to 31 days");
}

/** Adds a value, or takes it out of the steps that are still there. */
function count({ sums }: SpendBook, spend: Spend, value: number): void {
  const forever = { stepSeconds: FOREVER, upToSeconds: FOREVER };
  for (const scope of scopesOf(spend)) {
    for (const { stepSeconds, upToSeconds } of [...SPEND_STEPS, forever]) {
      const key = keyOf(scope, spend.unit, stepSeconds);
      const index = Math.floor(spend.atMs / 1000 / stepSeconds);
      const steps = sums.get(key) ?? new Map<number, number>();
      sums.set(key, steps);
      if (value > 0 || steps.has(index)) steps.set(index, (steps.get(index) ?? 0) + value);
      // A window reaches one less, whatever clocks do.
      if (steps.size > upToSeconds / stepSeconds + 1) steps.delete(Math.min(...steps.keys()));
    }
  }
}

function keyOf(...parts: [scope: SpendScope, unit: string, stepSeconds: number]): string {
  return JSON.stringify(parts);
}

function openSpends({ open, spends }: SpendBook): Spend[] {
  return Array.from(open, (id) => spends.get(id) as Spend);
}

function isFree({ id, leaseUntilMs }: Spend, nowMs: number, gone?: readonly string[]): boolean {
  return leaseUntilMs <= nowMs || gone?.includes(id) === true;
}
