import { expect, test } from "vitest";
import type { Job } from "../../facilitator/settlement/job.ts";
import { createQueue } from "../../facilitator/settlement/queue.ts";

const limits = { maxCalls: 3, maxGas: 1000n };
const jobOf = (batchGas: bigint | undefined, alone = false): Job =>
  ({ call: { batchGas }, alone }) as Job;
const jobs = (count: number): Job[] => Array.from({ length: count }, () => jobOf(10n));

test("a batch has at most so many payments and so much gas, in order of arrival", () => {
  const queue = createQueue();
  const [small, large] = [jobs(4), [jobOf(600n), jobOf(600n)]];
  queue.push([...small, ...large]);
  const free = () => true;
  expect(queue.take(limits, free)).toEqual(small.slice(0, 3));
  expect(queue.take(limits, free)).toEqual([small[3], large[0]]);
  expect(queue.take(limits, free)).toEqual([large[1]]);
  expect(queue.take(limits, free)).toEqual([]);
});

test("what goes alone is a batch of its own", () => {
  const queue = createQueue();
  const [first, alone, last] = [jobOf(10n), jobOf(10n, true), jobOf(undefined)];
  queue.push([first, alone, last]);
  expect(queue.take(limits, () => true)).toEqual([first]);
  expect(queue.take(limits, () => true)).toEqual([alone]);
  expect(queue.take(limits, () => true)).toEqual([last]);
});

test("a payment that another batch still holds stays, and is taken when that is over", () => {
  const queue = createQueue();
  const [held, ...others] = jobs(3);
  queue.push([held!, ...others]);
  expect(queue.take(limits, (job) => job !== held)).toEqual(others);
  expect(queue.take(limits, (job) => job !== held)).toEqual([]);
  expect(queue.size).toBe(1);
  expect(queue.take(limits, () => true)).toEqual([held]);
});

test("calls of one kind share a transaction, and of one name there is one in it", () => {
  const queue = createQueue();
  const call = (batchKind?: string, batchOnce?: string): Job =>
    ({
      call: { batchGas: 10n, ...(batchKind && { batchKind }), ...(batchOnce && { batchOnce }) },
      alone: false,
    }) as Job;
  const [a1, a2, b, plain] = [call("k", "a"), call("k", "a"), call("k", "b"), call()];
  queue.push([a1, a2, plain, b]);
  expect(queue.take(limits, () => true)).toEqual([a1, b]);
  expect(queue.take(limits, () => true)).toEqual([a2]);
  expect(queue.take(limits, () => true)).toEqual([plain]);
});
