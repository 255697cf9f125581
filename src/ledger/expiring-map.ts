/** How many entries each look examines for expired ones; more than one, so that sweeping outruns adding. */
const SWEPT_PER_LOOK = 2;

/** A map whose entries expire. Every look at it sweeps a few others, so that it stays small without a timer. */
export interface ExpiringMap<V> {
  get(key: string, nowMs: number): V | undefined;
  /** Keeps a value under a key until then; a key that is there already, never for less long than before. */
  set(key: string, value: V, untilMs: number): void;
  delete(key: string): boolean;
  clear(): void;
}

/** @param onExpire hears of every entry that goes because its time has come. */
export function expiringMap<V>(
  onExpire: (key: string, value: V) => void = () => undefined,
): ExpiringMap<V> {
  const entries = new Map<string, { value: V; untilMs: number }>();
  let sweeper = entries.entries();

  function sweep(nowMs: number): void {
    for (let i = 0; i < SWEPT_PER_LOOK; i++) {
      const step = sweeper.next();
      if (step.done) {
        sweeper = entries.entries();
        return;
      }
      if (step.value[1].untilMs <= nowMs) expire(step.value[0], step.value[1].value);
    }
  }

  function expire(key: string, value: V): void {
    entries.delete(key);
    onExpire(key, value);
  }

  return {
    get(key, nowMs) {
      sweep(nowMs);
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (entry.untilMs > nowMs) return entry.value;
      expire(key, entry.value);
      return undefined;
    },
    set(key, value, untilMs) {
      const entry = entries.get(key);
      if (entry === undefined) entries.set(key, { value, untilMs });
      else {
        entry.value = value;
        entry.untilMs = Math.max(entry.untilMs, untilMs);
      }
    },
    delete: (key) => entries.delete(key),
    clear: () => entries.clear(),
  };
}
