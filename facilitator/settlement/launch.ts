import { bumpFees } from "../rpc/fees.ts";
import { concludeRefused } from "./conclude.ts";
import { newFlight, signVersion } from "./flight.ts";
import type { Job } from "./job.ts";
import { mark, noteMembers, record, retire } from "./lane-log.ts";
import { confirmationOf, retryLater, suspend, tell, type LaneState } from "./lane-state.ts";
import { isDeep } from "./mined.ts";
import { simulate } from "./simulate.ts";

const MAX_ATTEMPTS = 5;

/** Those of the payments that may be signed; the others are refused, or go alone later. */
export async function admit(lane: LaneState, jobs: readonly Job[]): Promise<readonly Job[]> {
  const { payable, alone, refused } = await simulate(lane, jobs);
  for (const job of alone) job.alone = true;
  if (alone.length > 0) lane.requeue(alone);
  await Promise.all(
    refused.map(async ({ job, reason }) => {
      // What may still be mined as it is says itself what becomes of it.
      if (job.record.state === "signed" && lane.isCarried(job.record.transaction ?? "")) return;
      if (job.liable) void lane.penalties.acquit(job.key, job.liable).catch(() => undefined);
      const deep = (each: Job, block: bigint) => isDeep(lane, each, block);
      await concludeRefused(lane.chain, lane.ledger, job, reason, deep).catch((error: unknown) => {
        // Let go, it would be claimed anew later than it was used, and refused although it was paid.
        job.kept = true;
        if (job.record.state === "signed") retryLater(lane, [job]);
        else job.fail(error);
      });
    }),
  );
  await lane.step("simulated");
  return payable;
}

/** Answers those who take the broadcast for the settlement. An anonymous success is counted out, and so has to be one. */
function promise(lane: LaneState, jobs: readonly Job[]): void {
  for (const job of jobs) {
    if (confirmationOf(lane, job) === "broadcast" && job.record.claimant !== "") job.promise();
  }
}

/**
 * Sign, record, mark, broadcast: in this order, so that whatever may be on its way is in the log. A version that is
 * not sent leaves the log only after the one that takes its place has entered it.
 */
export async function launch(lane: LaneState, admitted: readonly Job[]): Promise<void> {
  let jobs = admitted;
  let fees = await lane.chain.fees();
  let stale: string[] = [];
  for (let attempt = 1; jobs.length > 0; attempt++) {
    const nonce = lane.nextNonce;
    const version = await signVersion(lane.chain, lane.account, jobs, nonce, fees);
    await lane.step("signed");
    const flight = newFlight(nonce, jobs, version);
    if (!(await record(lane, flight, version))) return;
    await lane.step("recorded");
    const kept = await mark(lane, jobs, version.hash);
    await lane.step("marked");
    if (stale.length > 0) await retire(lane, stale);
    stale = [];
    if (kept.length < jobs.length) {
      // Some were taken over: this transaction is not sent, one without them is.
      stale.push(version.hash);
      jobs = kept;
      continue;
    }
    const outcome = await lane.chain.broadcast(version.raw);
    await lane.step("broadcast");
    if (outcome === "underpriced" && attempt < MAX_ATTEMPTS) {
      const higher = bumpFees(fees, await lane.chain.fees(), lane.chain.feeCeiling);
      if (higher !== undefined) {
        fees = higher;
        stale.push(version.hash);
        continue;
      }
    }
    if (outcome === "refused" && jobs.length > 1) {
      // Too large for a node's taste, or one of them spoils it: each goes by itself from here on.
      flight.state = "lost";
      lane.flights.add(flight);
      for (const job of jobs) job.alone = true;
      lane.requeue(jobs);
      return;
    }
    lane.flights.add(flight);
    lane.unqueue(jobs); // where another transaction of theirs may have put them meanwhile
    if (outcome === "accepted" || outcome === "unknown") {
      lane.nextNonce = nonce + 1;
      if (outcome === "unknown") flight.lastSentMs = 0;
      noteMembers(lane, flight, version.hash);
      tell(lane, "sent", flight, version.hash);
      if (outcome === "accepted") promise(lane, jobs);
    } else if (outcome === "nonce_too_low") {
      // A transaction with this nonce was mined, perhaps this very one: looking after what flies finds out.
      flight.lastSentMs = 0;
      lane.nextNonce = Math.max(nonce + 1, await lane.chain.nonce(lane.account.address, "pending"));
    } else {
      flight.state = "unsent";
      suspend(lane, outcome);
      lane.requeue(jobs);
    }
    return;
  }
  if (stale.length > 0) await retire(lane, stale);
}
