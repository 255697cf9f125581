import { expect, test } from "vitest";
import { createBlockClock } from "../../facilitator/rpc/block-clock.ts";

/** A clock that heard of blocks so many milliseconds apart. */
function clockOf(gaps: readonly number[], guessMs = 2000) {
  const clock = createBlockClock(guessMs);
  let atMs = 0;
  clock.tick(0n, atMs);
  for (const [index, gap] of gaps.entries()) clock.tick(BigInt(index + 1), (atMs += gap));
  return clock;
}

test("learns for four intervals, and knows then whether blocks come regularly", () => {
  expect(clockOf([]).isLearning()).toBe(true);
  expect(clockOf([1000, 1010, 990]).isLearning()).toBe(true);
  expect(clockOf([1000, 1010, 990]).isSteady()).toBe(false);
  for (const [gaps, steady] of [
    [[1000, 1010, 990, 1000], true],
    [[1000, 250, 3000, 990], false],
  ] as const) {
    expect(clockOf(gaps).isLearning()).toBe(false);
    expect(clockOf(gaps).isSteady()).toBe(steady);
  }
});

test("believes its guess until there were two heads", () => {
  expect(clockOf([]).blockTimeMs()).toBe(2000);
  expect(clockOf([1000]).blockTimeMs()).toBe(1000);
});
