import { isDone, type Job } from "./job.ts";
import { inState, retryLater, type LaneState } from "./lane-state.ts";
import { admit, launch } from "./launch.ts";

/** A simulation is believed for this long when the batch has to wait for the one before; then it is made again. */
const FRESH_MS = 1000;

/**
 * Sends one transaction for these payments. Batches of a lane are simulated side by side, and signed and sent one after
 * the other: the nonce of each is known only when the one before is on its way. Never rejects.
 */
export function dispatch(lane: LaneState, jobs: readonly Job[]): Promise<void> {
  const batch = new Set(jobs.filter((job) => !isDone(job)));
  lane.batches.add(batch);
  const ready = prepare(lane, batch);
  ready.catch(() => undefined); // heard of when its turn comes
  const before = lane.lastSend;
  const end = (async () => {
    await before;
    await send(lane, batch, ready);
    lane.batches.delete(batch);
  })();
  lane.lastSend = end;
  return end;
}

/** Leaves in the batch what may be signed; gives the time. */
async function prepare(lane: LaneState, batch: Set<Job>): Promise<number> {
  const open = [...batch].filter((job) => !isDone(job));
  const admitted = new Set(await admit(lane, open));
  for (const job of batch) if (!admitted.has(job)) batch.delete(job);
  return Date.now();
}

/** What may have changed while the batch before was being sent is looked at again: nothing was signed yet. */
async function send(lane: LaneState, batch: Set<Job>, ready: Promise<number>): Promise<void> {
  let signing = false;
  try {
    const readyMs = await ready;
    if (!lane.broken && Date.now() - readyMs > FRESH_MS) await prepare(lane, batch);
    const jobs = [...batch].filter((job) => !isDone(job));
    if (lane.broken) for (const job of jobs) job.fail(undefined);
    else if (lane.suspended) lane.requeue(jobs);
    else {
      signing = jobs.length > 0;
      await launch(lane, jobs);
    }
  } catch (error) {
    lane.observe({ type: "failed", lane: lane.name, step: "dispatch", error });
    // Something may have been recorded and not sent: the log knows.
    if (signing) lane.broken = true;
    giveBack(lane, batch, error);
  }
}

/** Payments that were not signed may be let go; those that were stay in the queue until they have an end. */
function giveBack(lane: LaneState, batch: ReadonlySet<Job>, error: unknown): void {
  const flying = new Set(inState(lane, "flying").flatMap((flight) => flight.jobs));
  const open = [...batch].filter((job) => !isDone(job) && !flying.has(job));
  for (const job of open) if (job.record.state === "claimed" || lane.broken) job.fail(error);
  if (lane.broken) return;
  retryLater(
    lane,
    open.filter((job) => job.record.state === "signed"),
  );
}
