import type { Hex } from "../../src/core/scheme.ts";
import { logEntry, type Flight, type Version } from "./flight.ts";
import { advance, type Job } from "./job.ts";
import { latest, type LaneState } from "./lane-state.ts";

/** Longer than any settlement takes. */
const INDEX_TTL_MS = 25 * 3600 * 1000;

/** Writes a version into the log before any node sees it. False: the lane was lost. */
export async function record(lane: LaneState, flight: Flight, version: Version): Promise<boolean> {
  for (const job of flight.jobs) job.kept = true;
  try {
    if (await lane.ledger.lanes.record(lane.name, lane.fence, logEntry(flight.nonce, version)))
      return true;
  } catch (error) {
    lane.broken = true;
    throw error;
  }
  lane.broken = true;
  for (const job of flight.jobs) job.fail(undefined);
  return false;
}

/** Takes versions out of the log. */
export async function retire(lane: LaneState, hashes: readonly string[]): Promise<void> {
  try {
    if (!(await lane.ledger.lanes.retire(lane.name, lane.fence, hashes))) lane.broken = true;
  } catch (error) {
    lane.broken = true;
    throw error;
  }
}

/** Moves payments to `signed`; gives those that are still ours. */
export async function mark(
  lane: LaneState,
  jobs: readonly Job[],
  transaction: Hex,
): Promise<readonly Job[]> {
  try {
    const marked = await Promise.all(
      jobs.map((job) => advance(lane.ledger, job, { to: "signed", transaction })),
    );
    for (const [index, job] of jobs.entries()) {
      if (marked[index] === true) continue;
      job.gone = true;
      job.fail(undefined);
    }
    return jobs.filter((_, index) => marked[index]);
  } catch (error) {
    lane.broken = true;
    throw error;
  }
}

/** For whoever asks for a settlement by its transaction; nothing depends on it. */
export function noteMembers(lane: LaneState, flight: Flight, hash: Hex): void {
  void lane.ledger.index(hash, latest(flight).members, INDEX_TTL_MS).catch(() => undefined);
}
