import type { Job } from "./job.ts";

export interface BatchLimits {
  /** Most payments in one transaction; 1: no batches. */
  readonly maxCalls: number;
  /** Most gas of one transaction. */
  readonly maxGas: bigint;
}

/** Payments that wait for a lane, in order of arrival. */
export interface Queue {
  readonly size: number;
  push(jobs: readonly Job[]): void;
  /** Payments for one transaction, of those that may go: one that goes alone, or all that may share, up to the limits. */
  take(limits: BatchLimits, mayGo: (job: Job) => boolean): Job[];
  remove(jobs: readonly Job[]): void;
  values(): Iterable<Job>;
}

export function createQueue(): Queue {
  const waiting = new Set<Job>();

  function take({ maxCalls, maxGas }: BatchLimits, mayGo: (job: Job) => boolean): Job[] {
    const taken: Job[] = [];
    const once = new Set<string>();
    let gas = 0n;
    for (const job of waiting) {
      if (!mayGo(job)) continue;
      const needs = job.alone || maxCalls === 1 ? undefined : job.call.batchGas;
      if (needs === undefined) {
        if (taken.length > 0) continue;
        taken.push(job);
        break;
      }
      const { batchKind, batchOnce } = job.call;
      const [first] = taken;
      if (first !== undefined && first.call.batchKind !== batchKind) continue;
      if (batchOnce !== undefined && once.has(batchOnce)) continue;
      if (first !== undefined && gas + needs > maxGas) break;
      gas += needs;
      if (batchOnce !== undefined) once.add(batchOnce);
      taken.push(job);
      if (taken.length >= maxCalls) break;
    }
    for (const job of taken) waiting.delete(job);
    return taken;
  }

  return {
    get size() {
      return waiting.size;
    },
    push(jobs) {
      for (const job of jobs) waiting.add(job);
    },
    take,
    remove(jobs) {
      for (const job of jobs) waiting.delete(job);
    },
    values: () => waiting.values(),
  };
}
