export interface BlockClock {
  /** A new head was heard of. */
  tick(number: bigint, atMs: number): void;
  /** What comes now does not follow on what was heard before. */
  restart(): void;
  /** The guess until there were two heads. */
  blockTimeMs(): number;
  /** Whether there were too few blocks to tell whether they come regularly. */
  isLearning(): boolean;
  /** Whether the last blocks came regularly, so that the next one's time can be told. */
  isSteady(): boolean;
}

const WINDOW = 32;
const STEADY_BLOCKS = 4;
/** Of the block time: heads that are polled for arrive with such a scatter. */
const STEADY_WITHIN = 0.4;
const MIN_MS = 10;
const MAX_MS = 60_000;

/**
 * Measures the time between blocks by when heads arrive, for timestamps have whole seconds only: the median of the last
 * ones, which a pause of the chain or of the watch does not move.
 */
export function createBlockClock(guessMs: number): BlockClock {
  const intervals: number[] = [];
  let last: { readonly number: bigint; readonly atMs: number } | undefined;
  let blockTimeMs = guessMs;

  return {
    tick(number, atMs) {
      const before = last;
      last = { number, atMs };
      if (before === undefined || number <= before.number) return;
      intervals.push((atMs - before.atMs) / Number(number - before.number));
      if (intervals.length > WINDOW) intervals.shift();
      const median = intervals.toSorted((a, b) => a - b)[intervals.length >> 1]!;
      blockTimeMs = Math.min(Math.max(median, MIN_MS), MAX_MS);
    },
    restart() {
      last = undefined;
    },
    blockTimeMs: () => blockTimeMs,
    isLearning: () => intervals.length < STEADY_BLOCKS,
    isSteady() {
      const recent = intervals.slice(-STEADY_BLOCKS);
      return (
        recent.length === STEADY_BLOCKS &&
        recent.every((ms) => Math.abs(ms - blockTimeMs) <= STEADY_WITHIN * blockTimeMs)
      );
    },
  };
}
