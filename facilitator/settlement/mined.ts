import type { Hex, Liable } from "../../src/core/scheme.ts";
import { FINAL_STATES } from "../../src/ledger/ledger.ts";
import type { Receipt } from "../chain.ts";
import { conclude, reopen } from "./conclude.ts";
import type { Flight } from "./flight.ts";
import { isDone, type Job } from "./job.ts";
import { confirmationOf, inState, latest, tell, type LaneState } from "./lane-state.ts";

/** The receipt of whichever version of a flight was mined. */
export async function findReceipt(lane: LaneState, flight: Flight): Promise<Receipt | undefined> {
  const found = await Promise.all(flight.versions.map(({ hash }) => lane.chain.receipt(hash)));
  return found.find((receipt) => receipt !== undefined);
}

/** Notes that a flight is in a block. */
export async function land(lane: LaneState, flight: Flight, receipt: Receipt): Promise<void> {
  const { transaction, block, blockHash } = receipt;
  flight.state = "mined";
  flight.mined = { transaction, block, blockHash, done: false };
  lane.nextNonce = Math.max(lane.nextNonce, flight.nonce + 1);
  tell(lane, "mined", flight, transaction);
  await lane.step("mined");
}

/** Ends the payments of a mined flight that are deep enough; those of other versions go on by themselves. */
export async function settleMined(lane: LaneState, flight: Flight, known?: Receipt): Promise<void> {
  const { mined } = flight;
  if (mined === undefined || mined.done) return;
  const carried = flight.versions.find(({ hash }) => hash === mined.transaction)?.members ?? [];
  const open = flight.jobs.filter((job) => !isDone(job) && isOurs(flight, job));
  mined.done = open.length === 0;
  const left = open.filter((job) => !carried.includes(job.key));
  if (left.length > 0) lane.requeue(left);
  const due: Job[] = [];
  for (const job of open) {
    if (carried.includes(job.key) && (await isDeep(lane, job, mined.block))) due.push(job);
  }
  if (due.length === 0) return;
  const receipt = known ?? (await lane.chain.receipt(mined.transaction));
  if (receipt === undefined) return;
  const ends = await Promise.allSettled(
    due.map(async (job) => {
      const end = await conclude(lane.chain, lane.ledger, job, receipt, {
        company: carried.length,
        isDeep: (each, block) => isDeep(lane, each, block),
      });
      if (end === "done") return await judge(lane, job, receipt);
      await judgeCompany(lane, job, receipt);
      if (job.alone) return;
      job.alone = true;
      lane.requeue([job]);
    }),
  );
  for (const end of ends) {
    if (end.status === "rejected") {
      lane.observe({ type: "failed", lane: lane.name, step: "conclude", error: end.reason });
    }
  }
  await lane.step("concluded");
}

/** What became of a payment counts for or against those whose code it ran. */
async function judge(lane: LaneState, job: Job, receipt: Receipt): Promise<void> {
  const { penalties, chain } = lane;
  const { state, transaction } = job.record;
  if (state === "confirmed" && job.liable !== undefined)
    return await penalties.acquit(job.key, job.liable);
  if (state !== "failed" || transaction !== receipt.transaction) return;
  const { payer: wallet } = job.payment;
  const liable = job.liable ?? ((await chain.haveCode([wallet]))[0] ? { wallet } : undefined);
  if (liable !== undefined) await punish(lane, job, liable, receipt);
}

async function punish(lane: LaneState, job: Job, liable: Liable, { gasUsed }: Receipt) {
  const { wallet } = liable;
  lane.observe({ type: "wallet_punished", lane: lane.name, wallet, gas: gasUsed.toString() });
  await lane.penalties.punish(job.key, liable, gasUsed);
}

/** A plain payer who has got code since the simulation may have spoiled it for all who shared the transaction. */
async function judgeCompany(lane: LaneState, job: Job, receipt: Receipt): Promise<void> {
  const { payer: wallet } = job.payment;
  if ((await lane.chain.haveCode([wallet]))[0]) await punish(lane, job, { wallet }, receipt);
}

/** Whether a payment still rests on this flight, and was not signed into another transaction since. */
function isOurs(flight: Flight, job: Job): boolean {
  return flight.versions.some(({ hash }) => hash === job.record.transaction);
}

/** Whether a block is deep enough for a payment, as the chain's options want it. */
export async function isDeep(lane: LaneState, job: Job, block: bigint): Promise<boolean> {
  const wanted = confirmationOf(lane, job);
  if (wanted === "broadcast") return true;
  if (wanted === "finalized") return (await lane.chain.finalized()) >= block;
  if (wanted <= 1) return true;
  return (await lane.chain.head()).number - block + 1n >= BigInt(wanted);
}

/** Looks through the receipts of newly seen blocks. */
export async function onBlocks(
  lane: LaneState,
  receipts: ReadonlyMap<Hex, Receipt>,
): Promise<void> {
  await Promise.all(
    [...lane.flights].map(async (flight) => {
      let receipt: Receipt | undefined;
      if (flight.state !== "mined") {
        receipt = flight.versions
          .map(({ hash }) => receipts.get(hash))
          .find((found) => found !== undefined);
        if (receipt === undefined) return;
        await land(lane, flight, receipt);
      }
      await settleMined(lane, flight, receipt);
    }),
  );
}

/** Looks again at everything that was mined: the chain was reorganized. */
export async function onReorganization(lane: LaneState): Promise<void> {
  for (const flight of inState(lane, "mined")) {
    const receipt = await findReceipt(lane, flight);
    await recheckForeign(lane, flight);
    if (receipt !== undefined && receipt.blockHash === flight.mined?.blockHash) continue;
    const { hash, raw } = latest(flight);
    tell(lane, "reorganized", flight, hash);
    await takeBack(lane, flight);
    delete flight.mined;
    flight.state = "flying";
    flight.firstSentMs = flight.lastSentMs = Date.now();
    if (receipt === undefined) await lane.chain.broadcast(raw);
    else await land(lane, flight, receipt);
  }
}

/** Opens again what a transaction of the flight ended, for it is in no block any more. */
export async function takeBack(lane: LaneState, flight: Flight): Promise<void> {
  for (const job of flight.jobs) {
    if (FINAL_STATES.has(job.record.state) && isOurs(flight, job)) await reopen(lane.ledger, job);
  }
}

/** Payments of a flight that were settled by somebody else's transaction: is that one still there? */
async function recheckForeign(lane: LaneState, flight: Flight): Promise<void> {
  for (const job of flight.jobs) {
    const { state, transaction } = job.record;
    if (state !== "confirmed" || transaction === undefined || isOurs(flight, job)) continue;
    if ((await lane.chain.receipt(transaction as Hex)) !== undefined) continue;
    if (await reopen(lane.ledger, job)) lane.requeue([job]);
  }
}
