import { SPEND_STEPS } from "./spend-store.ts";
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
  /** Ids of those that are not final, in the same order. */
  readonly open: Set<string>;
  /** By scope, unit and step: value by number of the step. For ever is one endless step. */
  readonly sums: Map<string, Map<number, number>>;
  readonly pins: Map<string, string>;
  /** How many final payments are kept. */
  readonly keep: number;
}

export type SpendPin = NonNullable<Parameters<SpendStore["reserve"]>[2]>;

const STEPS = [
  ...SPEND_STEPS,
  { stepSeconds: Number.POSITIVE_INFINITY, upToSeconds: Number.POSITIVE_INFINITY },
];

export function newSpendBook(keep: number): SpendBook {
  return { spends: new Map(), open: new Set(), sums: new Map(), pins: new Map(), keep };
}

/**
 * See `SpendStore.reserve`; the pin is set only together with the reservation.
 *
 * @param gone ids of payments whose owners are known to have ended.
 */
export function reserveSpend(
  book: SpendBook,
  spend: Spend,
  limits: readonly SpendLimit[],
  pin?: SpendPin,
  gone: readonly string[] = [],
): SpendRefusal | undefined {
  const { id, atMs, unit, value } = spend;
  const { spends, open, pins } = book;
  assertSpend(spend, limits);
  if (spends.has(id)) throw new TypeError("spend: the id is used");
  for (const other of opened(book)) {
    const { state } = other;
    if (state === "reserved" && (other.leaseUntilMs <= atMs || gone.includes(other.id)))
      updateSpend(book, other.id, { state: "released" });
    if (state === "rejected" && other.expiresAtMs < atMs) open.delete(other.id);
  }
  const pinned = pin && (pins.get(pin.name) ?? pin.value);
  if (pin && pinned !== undefined && pinned !== pin.value) return { pinned };
  for (const limit of limits) {
    if (limit.unit !== unit || !spendScopes(spend).includes(limit.scope)) continue;
    const spent = sumSpends(book, limit.scope, unit, atMs, limit.windowSeconds);
    if (spent + value > limit.max) return { limit, spent };
  }
  assertAmount(sumSpends(book, "total", unit, atMs) + value);
  if (pin) pins.set(pin.name, pin.value);
  count(book, spend, value);
  spends.set(id, spend);
  open.add(id);
  for (const [old] of spends) {
    if (spends.size - open.size <= book.keep) break;
    if (!open.has(old)) spends.delete(old);
  }
}

/** See `SpendStore.update`. */
export function updateSpend(book: SpendBook, id: string, change: SpendChange): boolean {
  assertSpend(change);
  const before = book.spends.get(id);
  if (!before || before.state === "released") return false;
  const spend = { ...before, ...change };
  const { state } = spend;
  if (state === "released") count(book, spend, -spend.value);
  if (state === "released" || state === "paid") {
    delete spend.payload;
    delete spend.headers;
  }
  book.spends.set(id, spend);
  if (state === "released" || state === "paid" || state === "delivered") book.open.delete(id);
  else book.open.add(id);
  return true;
}

/** See `SpendStore.take`: what would be taken, without taking it. */
export function findSpend(
  book: SpendBook,
  request: string,
  owner: string,
  { nowMs, takeover }: Parameters<SpendStore["take"]>[2],
  gone: readonly string[] = [],
): TakenSpend | undefined {
  let heldUntilMs = Number.POSITIVE_INFINITY;
  for (const spend of opened(book)) {
    const { state, leaseUntilMs } = spend;
    if (spend.request !== request || state === "reserved") continue;
    if (state === "rejected" && spend.expiresAtMs < nowMs) continue;
    if (leaseUntilMs && spend.owner === owner) continue;
    if (takeover || leaseUntilMs <= nowMs || gone.includes(spend.id)) return { spend };
    heldUntilMs = Math.min(heldUntilMs, leaseUntilMs);
  }
  return heldUntilMs < Number.POSITIVE_INFINITY ? { heldUntilMs } : undefined;
}

/** See `SpendStore.take`. */
export function takeSpend(
  book: SpendBook,
  request: string,
  owner: string,
  options: Parameters<SpendStore["take"]>[2],
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
  { limit = 100, before, states }: Parameters<SpendStore["list"]>[0] = {},
): Spend[] {
  const all = [...spends.values()].toReversed();
  return all
    .slice(before === undefined ? 0 : all.findIndex(({ id }) => id === before) + 1 || all.length)
    .filter(({ state }) => states?.includes(state) ?? true)
    .slice(0, limit);
}

/** What a payment is counted in. */
export function spendScopes({ host, payTo }: Pick<Spend, "host" | "payTo">): SpendScope[] {
  return ["total", `host:${host}`, `payee:${payTo.toLowerCase()}`];
}

/** Throws a `TypeError` for numbers that no store can count with. */
export function assertSpend(
  { value, atMs, expiresAtMs, leaseUntilMs }: Partial<Spend>,
  limits: readonly SpendLimit[] = [],
): void {
  for (const number of [value, atMs, expiresAtMs, leaseUntilMs]) assertAmount(number ?? 0);
  for (const { max, windowSeconds } of limits) {
    assertAmount(max);
    stepOf(windowSeconds);
  }
}

/** Seconds of the steps in which such a window is counted. */
export function stepOf(windowSeconds?: number): number {
  if (windowSeconds === undefined) return Number.POSITIVE_INFINITY;
  const step = SPEND_STEPS.find(({ upToSeconds }) => windowSeconds <= upToSeconds);
  if (!step || !(windowSeconds > 0) || windowSeconds % 1)
    throw new TypeError("spend: windowSeconds is not from 1 to 31 days");
  return step.stepSeconds;
}

/** Adds a value, or takes it out of the steps that are still there. */
function count({ sums }: SpendBook, spend: Spend, value: number): void {
  for (const scope of spendScopes(spend)) {
    for (const { stepSeconds, upToSeconds } of STEPS) {
      const key = keyOf(scope, spend.unit, stepSeconds);
      const steps = sums.get(key) ?? new Map<number, number>();
      const index = Math.floor(spend.atMs / 1000 / stepSeconds);
      if (value > 0 || steps.has(index)) steps.set(index, (steps.get(index) ?? 0) + value);
      // One more than a window can reach, whatever clocks do.
      if (steps.size > upToSeconds / stepSeconds + 1) steps.delete(Math.min(...steps.keys()));
      sums.set(key, steps);
    }
  }
}

function keyOf(...parts: [scope: SpendScope, unit: string, step: number]): string {
  return JSON.stringify(parts);
}

function opened({ open, spends }: SpendBook): Spend[] {
  return [...open].map((id) => spends.get(id) as Spend);
}

function assertAmount(number: number): void {
  if (!(Number.isSafeInteger(number) && number >= 0))
    throw new TypeError("spend: not a safe integer of at least 0");
}
