export interface BlockClock {
  /** A new head was heard of. */
  tick(number: bigint, atMs: number): void;
  /** What comes now does not follow on what was heard before. */
  restart(): void;
  /** Mean over the last blocks; the guess until there were two. */
  blockTimeMs(): number;
}

const WINDOW = 32;
const MIN_MS = 10;
const MAX_MS = 60_000;

/** Measures the time between blocks by when heads arrive: timestamps have whole seconds only. */
export function createBlockClock(guessMs: number): BlockClock {
  let heads: { number: bigint; atMs: number }[] = [];
  let blockTimeMs = guessMs;

  return {
    tick(number, atMs) {
      const last = heads.at(-1);
      if (last !== undefined && number <= last.number) heads = [];
      heads.push({ number, atMs });
      if (heads.length > WINDOW) heads.shift();
      const first = heads[0]!;
      if (number === first.number) return;
      const mean = (atMs - first.atMs) / Number(number - first.number);
      blockTimeMs = Math.min(Math.max(mean, MIN_MS), MAX_MS);
    },
    restart() {
      heads = [];
    },
    blockTimeMs: () => blockTimeMs,
  };
}
