import type { Hex } from "../../src/core/scheme.ts";
import type { Ledger, SettlementRecord } from "../../src/ledger/ledger.ts";
import type { EvmChain } from "../chain.ts";
import { versionOf, type Flight } from "./flight.ts";
import type { Job } from "./job.ts";

/** A lane's state as its log tells it. */
export interface LaneState {
  readonly flights: Set<Flight>;
  readonly nextNonce: number;
}

/**
 * Reads what a lane has under way, for whoever has just leased it: after a start, a crash, or from another replica.
 * Every transaction of the log counts as sent, and is sent again: the bytes are the same.
 *
 * @param fence the lease; from now on who had the lane before writes no more about its payments.
 * @param revive makes the work on a payment of its record, or finds the work that this process has already.
 */
export async function reload(
  chain: EvmChain,
  ledger: Ledger,
  lane: string,
  fence: number,
  signer: Hex,
  revive: (record: SettlementRecord) => Job | undefined,
): Promise<LaneState> {
  const [log, pending] = await Promise.all([
    ledger.lanes.open(lane),
    chain.nonce(signer, "pending"),
  ]);
  const byNonce = new Map<number, Flight>();
  for (const entry of log) {
    const known = byNonce.get(entry.nonce);
    const records = await Promise.all(
      entry.members.map((key) => readMarked(ledger, key, fence, entry.hash)),
    );
    const jobs = records.flatMap((record) => (record && revive(record)) ?? []);
    byNonce.set(entry.nonce, {
      nonce: entry.nonce,
      jobs: [...new Set([...(known?.jobs ?? []), ...jobs])],
      versions: [...(known?.versions ?? []), versionOf(entry)],
      state: "flying",
      firstSentMs: Date.now(),
      lastSentMs: 0,
    });
  }
  const afterLog = [...byNonce.keys()].map((nonce) => nonce + 1);
  return { flights: new Set(byNonce.values()), nextNonce: Math.max(pending, ...afterLog) };
}

/** The record of a payment in the log; `signed` from now on, where a crash came between the log and its mark. */
async function readMarked(
  ledger: Ledger,
  key: string,
  fence: number,
  transaction: string,
): Promise<SettlementRecord | undefined> {
  const record = await ledger.adopt(key, fence, transaction);
  if (record?.state !== "claimed") return record;
  const signed = { fence: record.fence, to: "signed", transaction } as const;
  return (await ledger.advance(key, signed)) ? ledger.adopt(key, fence, transaction) : undefined;
}
