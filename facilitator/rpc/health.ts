/** How well an endpoint does. It is put aside after a failure, for longer every time; one success makes all good. */
export interface Health {
  worked(): void;
  /** `limited` when it wants fewer requests, for so long if it said so. */
  failed(limited: boolean, retryAfterMs?: number): void;
  /** On `probation` its time aside is over, and nothing has worked since. */
  state(): "good" | "probation" | "aside";
  /** Until when nothing should be asked of it, because it said so; 0 if it did not. */
  limitedUntilMs(): number;
  asideUntilMs(): number;
  /** Failures since the last success. */
  failures(): number;
}

const ASIDE_MS = 500;
const MAX_ASIDE_MS = 60_000;

export function createHealth(): Health {
  let failures = 0;
  let asideUntilMs = 0;
  let limitedUntilMs = 0;

  return {
    worked() {
      // What comes back now from before it failed says nothing.
      if (Date.now() >= asideUntilMs) failures = limitedUntilMs = 0;
    },
    failed(limited, retryAfterMs) {
      const nowMs = Date.now();
      // What fails while it is aside was under way, or was a last resort: no news. But a time to wait is.
      if (asideUntilMs > nowMs && retryAfterMs === undefined) return;
      const ms = retryAfterMs ?? ASIDE_MS * 2 ** Math.min(failures, 10);
      if (asideUntilMs <= nowMs) failures += 1;
      asideUntilMs = nowMs + Math.min(ms, MAX_ASIDE_MS);
      if (limited) limitedUntilMs = asideUntilMs;
    },
    state() {
      if (asideUntilMs > Date.now()) return "aside";
      return failures === 0 ? "good" : "probation";
    },
    limitedUntilMs: () => limitedUntilMs,
    asideUntilMs: () => asideUntilMs,
    failures: () => failures,
  };
}
