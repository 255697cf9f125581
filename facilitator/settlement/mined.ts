import type { Hex } from "../../src/core/scheme.ts";
import type { Head, Receipt } from "../chain.ts";
import { conclude, unconfirm } from "./conclude.ts";
import type { Flight } from "./flight.ts";
import { isDone, type Job } from "./job.ts";
import { inState, latest, tell, type LaneState } from "./lane-state.ts";

/** The receipt of whichever version of a flight was mined. */
export async function findReceipt(lane: LaneState, flight: Flight): Promise<Receipt | undefined> {
  const found = await Promise.all(flight.versions.map(({ hash }) => lane.chain.receipt(hash)));
  return found.find((receipt) => receipt !== undefined);
}

/** Notes that a flight is in a block. */
export async function land(lane: LaneState, flight: Flight, receipt: Receipt): Promise<void> {
  flight.state = "mined";
  flight.mined = {
    transaction: receipt.transaction,
    block: receipt.block,
    blockHash: receipt.blockHash,
  };
  tell(lane, "mined", flight, receipt.transaction);
  await lane.step("mined");
}

const confirmationsOf = (lane: LaneState, job: Job) =>
  typeof lane.options.confirmations === "function"
    ? lane.options.confirmations(job.payment)
    : lane.options.confirmations;

/** Ends the payments of a mined flight that are deep enough. */
export async function settleMined(
  lane: LaneState,
  flight: Flight,
  head: Head,
  known?: Receipt,
): Promise<void> {
  const { mined } = flight;
  const open = flight.jobs.filter((job) => !isDone(job));
  if (mined === undefined || open.length === 0) return;
  const depth = head.number - mined.block + 1n;
  const finalized = open.some((job) => confirmationsOf(lane, job) === "finalized")
    ? await lane.chain.finalized()
    : 0n;
  const due = open.filter((job) => {
    const wanted = confirmationsOf(lane, job);
    return wanted === "finalized" ? finalized >= mined.block : depth >= BigInt(wanted);
  });
  if (due.length === 0) return;
  const receipt = known ?? (await lane.chain.receipt(mined.transaction));
  if (receipt === undefined) return;
  await Promise.all(due.map((job) => conclude(lane.chain, lane.ledger, job, receipt)));
  await lane.step("concluded");
}

/** Looks through the receipts of newly seen blocks. */
export async function onBlocks(
  lane: LaneState,
  head: Head,
  receipts: ReadonlyMap<Hex, Receipt>,
): Promise<void> {
  await Promise.all(
    [...lane.flights.values()].map(async (flight) => {
      let receipt: Receipt | undefined;
      if (flight.state !== "mined") {
        receipt = flight.versions
          .map(({ hash }) => receipts.get(hash))
          .find((found) => found !== undefined);
        if (receipt === undefined) return;
        await land(lane, flight, receipt);
      }
      await settleMined(lane, flight, head, receipt).catch((error: unknown) =>
        lane.observe({ type: "failed", lane: lane.name, step: "conclude", error }),
      );
    }),
  );
}

/** Looks again at everything that was mined: the chain was reorganized. */
export async function onReorganization(lane: LaneState): Promise<void> {
  for (const flight of inState(lane, "mined")) {
    const receipt = await findReceipt(lane, flight);
    if (receipt !== undefined && receipt.blockHash === flight.mined?.blockHash) continue;
    const { hash, raw } = latest(flight);
    tell(lane, "reorganized", flight, hash);
    for (const job of flight.jobs) {
      if (job.record.state === "confirmed") await unconfirm(lane.ledger, job, hash);
    }
    delete flight.mined;
    flight.state = "flying";
    flight.firstSentMs = flight.lastSentMs = Date.now();
    if (receipt === undefined) await lane.chain.broadcast(raw);
    else await land(lane, flight, receipt);
  }
}
