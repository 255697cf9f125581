import type { Hex } from "../../src/core/scheme.ts";
import type { Head } from "../chain.ts";
import type { BroadcastOutcome } from "../rpc/errors.ts";
import { bumpFees } from "../rpc/fees.ts";
import { newFlight, signAgain, signVersion, type Flight } from "./flight.ts";
import { isDone } from "./job.ts";
import { noteMembers, record, retire } from "./lane-log.ts";
import { inState, latest, suspend, tell, type LaneState } from "./lane-state.ts";
import { findReceipt, land, onReorganization, settleMined, takeBack } from "./mined.ts";

/** A suspended signer is taken back when it can pay for this much gas: a few settlements. */
const RESERVE_GAS = 600_000n;
const BALANCE_CHECK_MS = 15_000;

/** Resends, replaces and gives up what is stuck, fills gaps, and retires what is beyond doubt. */
export async function tend(lane: LaneState, head: Head): Promise<void> {
  await retireSettled(lane, head);
  for (const flight of inState(lane, "mined")) await settleMined(lane, flight);
  for (const flight of inState(lane, "unsent")) await resend(lane, flight);
  if (lane.suspended && inState(lane, "unsent").length === 0) await resume(lane);
  await checkBalance(lane);
  const flying = inState(lane, "flying").toSorted((a, b) => a.nonce - b.nonce);
  const now = Date.now();
  const resendAfterMs = lane.options.resendAfterMs ?? Math.max(3000, 3 * lane.chain.blockTimeMs());
  const replaceAfterMs =
    lane.options.replaceAfterMs ?? Math.max(10_000, 10 * lane.chain.blockTimeMs());
  const [oldest] = flying;
  const patience = Math.min(resendAfterMs, replaceAfterMs);
  if (oldest === undefined || now - oldest.lastSentMs < patience) return;

  const used = await lane.chain.nonce(lane.account.address, "latest");
  for (const flight of flying.filter(({ nonce }) => nonce < used)) {
    const receipt = await findReceipt(lane, flight);
    if (receipt === undefined) await giveUp(lane, flight);
    else {
      await land(lane, flight, receipt);
      await settleMined(lane, flight, receipt);
    }
  }
  if (!lane.suspended) await fillGap(lane, used);
  for (const flight of inState(lane, "flying")) {
    const tooCheap = latest(flight).fees.maxFeePerGas < head.baseFeePerGas;
    if (flight === oldest && (tooCheap || now - flight.firstSentMs >= replaceAfterMs)) {
      await replace(lane, flight);
    } else if (now - flight.lastSentMs >= resendAfterMs) await resend(lane, flight);
  }
}

/**
 * Uses up nonces that nothing of ours has and that what flies waits behind. One that was mined keeps its nonce although
 * that is free again: the chain was reorganized, and it is sent again once that is noticed.
 */
async function fillGap(lane: LaneState, used: number): Promise<void> {
  const flying = inState(lane, "flying");
  const taken = new Set([...flying, ...inState(lane, "mined")].map(({ nonce }) => nonce));
  const last = Math.max(used - 1, ...flying.map(({ nonce }) => nonce));
  for (let nonce = used; nonce < last; nonce++) {
    if (taken.has(nonce)) continue;
    const version = await signVersion(lane.chain, lane.account, [], nonce, await lane.chain.fees());
    const flight = newFlight(nonce, [], version);
    if (!(await record(lane, flight, version))) return;
    lane.flights.add(flight);
    await lane.chain.broadcast(version.raw);
    tell(lane, "sent", flight, version.hash);
  }
}

/** Takes a signer out before it runs dry in the middle of a batch. */
async function checkBalance(lane: LaneState): Promise<void> {
  if (lane.suspended || Date.now() - lane.balanceCheckedMs < BALANCE_CHECK_MS) return;
  lane.balanceCheckedMs = Date.now();
  if (!(await canPay(lane))) suspend(lane, "low_balance");
}

async function canPay(lane: LaneState): Promise<boolean> {
  const { maxFeePerGas } = await lane.chain.fees();
  return (await lane.chain.balance(lane.account.address)) >= RESERVE_GAS * maxFeePerGas;
}

/** Takes the lane back when its signer can pay for a few transactions again. */
async function resume(lane: LaneState): Promise<void> {
  if (!(await canPay(lane))) return;
  lane.suspended = false;
  lane.observe({ type: "lane_resumed", lane: lane.name });
}

/** Another transaction has the nonce: this one can never be mined, and its payments go to the next. */
async function giveUp(lane: LaneState, flight: Flight): Promise<void> {
  await takeBack(lane, flight);
  flight.state = "lost";
  lane.nextNonce = Math.max(lane.nextNonce, flight.nonce + 1);
  tell(lane, "nonce_lost", flight, latest(flight).hash);
  lane.requeue(flight.jobs.filter((job) => !isDone(job)));
}

async function resend(lane: LaneState, flight: Flight): Promise<void> {
  flight.lastSentMs = Date.now();
  const { raw, hash } = latest(flight);
  await onResent(lane, flight, await lane.chain.broadcast(raw), "resent", hash);
}

/** The same calls and nonce with a higher fee, as far as the ceiling allows. */
async function replace(lane: LaneState, flight: Flight): Promise<void> {
  const fees = bumpFees(latest(flight).fees, await lane.chain.fees(), lane.chain.feeCeiling);
  if (fees === undefined) return await resend(lane, flight);
  const version = await signAgain(lane.account, latest(flight), fees);
  if (!(await record(lane, flight, version))) return;
  flight.versions.push(version);
  flight.firstSentMs = flight.lastSentMs = Date.now();
  noteMembers(lane, flight, version.hash);
  await onResent(lane, flight, await lane.chain.broadcast(version.raw), "replaced", version.hash);
}

async function onResent(
  lane: LaneState,
  flight: Flight,
  outcome: BroadcastOutcome,
  type: "resent" | "replaced",
  hash: Hex,
): Promise<void> {
  if (outcome === "accepted" || outcome === "unknown") {
    tell(lane, type, flight, hash);
    if (flight.state !== "unsent") return;
    flight.state = "flying";
    flight.firstSentMs = Date.now();
    lane.nextNonce = Math.max(lane.nextNonce, flight.nonce + 1);
    lane.unqueue(flight.jobs);
  } else if (outcome === "nonce_too_low") {
    const receipt = await findReceipt(lane, flight);
    if (receipt === undefined) await giveUp(lane, flight);
    else await land(lane, flight, receipt);
  } else if (outcome === "underpriced" && type === "resent") {
    await replace(lane, flight);
  } else {
    suspend(lane, outcome);
  }
}

/** Takes flights out of the log that nothing can undo any more, or whose payments went elsewhere. */
async function retireSettled(lane: LaneState, head: Head): Promise<void> {
  const reorgDepth = BigInt(lane.options.reorgDepth);
  const gone = [...lane.flights].filter(({ state, mined, versions, jobs }) => {
    if (state === "flying") return false;
    if (state === "mined" && head.number - (mined?.block ?? head.number) < reorgDepth) return false;
    const hashes = new Set<string>(versions.map(({ hash }) => hash));
    return jobs.every((job) => isDone(job) || !hashes.has(job.record.transaction ?? ""));
  });
  if (gone.length === 0) return;
  const mined = gone.filter(({ state }) => state === "mined");
  const receipts = await Promise.all(mined.map((flight) => findReceipt(lane, flight)));
  if (receipts.includes(undefined)) return await onReorganization(lane);
  await retire(
    lane,
    gone.flatMap((flight) => flight.versions.map(({ hash }) => hash)),
  );
  for (const flight of gone) lane.flights.delete(flight);
}
