import type { LocalAccount } from "viem";
import type { Hex } from "../../src/core/scheme.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { EvmChain, Head, Receipt } from "../chain.ts";
import type { BroadcastOutcome } from "../rpc/errors.ts";
import { bumpFees } from "../rpc/fees.ts";
import { conclude, concludeUnsettled, unconfirm } from "./conclude.ts";
import { logEntry, newFlight, signVersion, type Flight, type Version } from "./flight.ts";
import { isDone, type Job } from "./job.ts";
import type { ResolvedOptions, SettlementEvent, Step } from "./options.ts";
import { simulate } from "./simulate.ts";

export interface LaneContext {
  readonly chain: EvmChain;
  readonly account: LocalAccount;
  readonly ledger: Ledger;
  /** `<network>:<signer>`, the lane's name in the ledger. */
  readonly name: string;
  readonly options: ResolvedOptions;
  /** Gives payments back to the queue, or takes them from there. */
  requeue(jobs: readonly Job[]): void;
  unqueue(jobs: readonly Job[]): void;
  observe(event: SettlementEvent): void;
  /** Called between the steps, for tests that stop the process there. */
  step(step: Step): Promise<void> | void;
}

/** One leased lane: one signer's transactions, in order of nonce. Made anew with every lease. */
export interface Lane {
  readonly name: string;
  readonly fence: number;
  /** Whether it takes payments right now. */
  ready(): boolean;
  /** Transactions that are sent and not mined. */
  flying(): number;
  /** Whether it has to be leased again before it can go on, because only the log knows what was recorded. */
  broken(): boolean;
  /** Whether anything is under way that has to be watched. */
  busy(): boolean;
  /** Sends one transaction for these payments. Never throws. */
  dispatch(jobs: readonly Job[]): Promise<void>;
  /** Looks through the receipts of newly seen blocks. */
  onBlocks(head: Head, receipts: ReadonlyMap<Hex, Receipt>): Promise<void>;
  /** Looks again at everything that was mined: the chain was reorganized. */
  onReorganization(): Promise<void>;
  /** Resends, replaces and gives up what is stuck; retires what is beyond doubt. */
  tend(head: Head): Promise<void>;
  /** The payments of the lane that have no result yet. */
  unfinished(): Job[];
}

const MAX_ATTEMPTS = 5;
const INDEX_TTL_MS = 25 * 3600 * 1000;
/** A suspended signer is taken back when it can pay for this much gas: a few settlements. */
const RESERVE_GAS = 600_000n;

/**
 * @param flights what the log held when the lane was leased, with `nextNonce` after all of it.
 */
export function createLane(
  context: LaneContext,
  fence: number,
  flights: Map<number, Flight>,
  nextNonce: number,
): Lane {
  const { chain, account, ledger, name, options } = context;
  let preparing = false;
  /** Set when the ledger failed half-way: only its log knows what was recorded. The owner leases the lane again. */
  let broken = false;
  let suspended = false;
  const inDispatch = new Set<Job>();

  const tell = (
    type: "sent" | "mined" | "replaced" | "resent" | "nonce_lost" | "reorganized",
    flight: Flight,
    transaction: Hex,
  ) => context.observe({ type, lane: name, transaction, payments: flight.members.length });
  const inState = (state: Flight["state"]) =>
    [...flights.values()].filter((flight) => flight.state === state);
  const latest = (flight: Flight): Version => flight.versions.at(-1) as Version;

  async function dispatch(jobs: readonly Job[]): Promise<void> {
    preparing = true;
    for (const job of jobs) inDispatch.add(job);
    try {
      await launch(await admit(jobs));
    } catch (error) {
      context.observe({ type: "failed", lane: name, step: "dispatch", error });
      for (const job of jobs) if (!isFlying(job)) job.fail(error);
    } finally {
      preparing = false;
      for (const job of jobs) inDispatch.delete(job);
    }
  }

  const isFlying = (job: Job) => [...flights.values()].some((flight) => flight.jobs.includes(job));

  /** Those of the payments that may be signed; the others are refused, or go alone later. */
  async function admit(jobs: readonly Job[]): Promise<readonly Job[]> {
    const { payable, alone, refused } = await simulate(chain, account.address, jobs);
    for (const job of alone) job.alone = true;
    if (alone.length > 0) context.requeue(alone);
    await Promise.all(
      refused.map(({ job, reason }) =>
        concludeUnsettled(chain, ledger, job, reason).catch((error: unknown) => job.fail(error)),
      ),
    );
    await context.step("simulated");
    return payable;
  }

  /**
   * Sign, record, mark, broadcast: in this order, so that whatever may be on its way is in the log. A version that is
   * not sent leaves the log only after the one that takes its place has entered it.
   */
  async function launch(admitted: readonly Job[]): Promise<void> {
    let jobs = admitted;
    let fees = await chain.fees();
    let stale: string[] = [];
    for (let attempt = 1; jobs.length > 0; attempt++) {
      const nonce = nextNonce;
      const version = await signVersion(chain, account, jobs, nonce, fees);
      await context.step("signed");
      const flight = newFlight(nonce, jobs, version);
      if (!(await record(flight, version))) return;
      await context.step("recorded");
      const kept = await mark(jobs, version.hash);
      await context.step("marked");
      if (stale.length > 0) await retire(stale);
      stale = [];
      if (kept.length < jobs.length) {
        // Some were taken over: this transaction is not sent, one without them is.
        stale.push(version.hash);
        jobs = kept;
        continue;
      }
      const outcome = await chain.broadcast(version.raw);
      await context.step("broadcast");
      if (outcome === "underpriced" && attempt < MAX_ATTEMPTS) {
        const higher = bumpFees(fees, await chain.fees(), chain.feeCeiling);
        if (higher !== undefined) {
          fees = higher;
          stale.push(version.hash);
          continue;
        }
      }
      flights.set(nonce, flight);
      if (outcome === "accepted" || outcome === "unknown") {
        nextNonce = nonce + 1;
        if (outcome === "unknown") flight.lastSentMs = 0;
        noteMembers(flight, version.hash);
        tell("sent", flight, version.hash);
        return;
      }
      if (outcome === "nonce_too_low") {
        flight.state = "lost";
        nextNonce = Math.max(nonce + 1, await chain.nonce(account.address, "pending"));
        tell("nonce_lost", flight, version.hash);
        if (attempt < MAX_ATTEMPTS) continue;
      } else {
        flight.state = "unsent";
        suspend(outcome);
      }
      context.requeue(jobs);
      return;
    }
    if (stale.length > 0) await retire(stale);
  }

  /** For whoever asks for a settlement by its transaction; nothing depends on it. */
  function noteMembers(flight: Flight, hash: Hex): void {
    void ledger.index(hash, flight.members, INDEX_TTL_MS).catch(() => undefined);
  }

  /** Takes nothing more until what the nodes refuse now is accepted, or has gone another way. */
  function suspend(reason: string): void {
    if (!suspended) context.observe({ type: "lane_suspended", lane: name, reason });
    suspended = true;
  }

  /** Writes a version into the log before any node sees it. False: the lane was lost. */
  async function record(flight: Flight, version: Version): Promise<boolean> {
    try {
      if (await ledger.lanes.record(name, fence, logEntry(flight, version))) return true;
    } catch (error) {
      broken = true;
      throw error;
    }
    broken = true;
    for (const job of flight.jobs) job.fail(undefined);
    return false;
  }

  async function retire(hashes: readonly string[]): Promise<void> {
    try {
      if (!(await ledger.lanes.retire(name, fence, hashes))) broken = true;
    } catch (error) {
      broken = true;
      throw error;
    }
  }

  /** Moves payments to `signed`; gives those that are still ours. */
  async function mark(jobs: readonly Job[], transaction: Hex): Promise<readonly Job[]> {
    try {
      const records = await Promise.all(
        jobs.map((job) =>
          ledger.advance(job.key, { fence: job.record.fence, to: "signed", transaction }),
        ),
      );
      return jobs.filter((job, index) => {
        const next = records[index];
        if (next === undefined) job.fail(undefined);
        else job.record = next;
        return next !== undefined;
      });
    } catch (error) {
      broken = true;
      throw error;
    }
  }

  async function land(flight: Flight, receipt: Receipt): Promise<void> {
    flight.state = "mined";
    flight.mined = {
      transaction: receipt.transaction,
      block: receipt.block,
      blockHash: receipt.blockHash,
    };
    tell("mined", flight, receipt.transaction);
    await context.step("mined");
  }

  const confirmationsOf = (job: Job) =>
    typeof options.confirmations === "function"
      ? options.confirmations(job.payment)
      : options.confirmations;

  /** Ends the payments of a mined flight that are deep enough. */
  async function settleMined(flight: Flight, head: Head, known?: Receipt): Promise<void> {
    const { mined } = flight;
    const open = flight.jobs.filter((job) => !isDone(job));
    if (mined === undefined || open.length === 0) return;
    const depth = head.number - mined.block + 1n;
    const finalized = open.some((job) => confirmationsOf(job) === "finalized")
      ? await chain.finalized()
      : 0n;
    const due = open.filter((job) => {
      const wanted = confirmationsOf(job);
      return wanted === "finalized" ? finalized >= mined.block : depth >= BigInt(wanted);
    });
    if (due.length === 0) return;
    const receipt = known ?? (await chain.receipt(mined.transaction));
    if (receipt === undefined) return;
    await Promise.all(due.map((job) => conclude(chain, ledger, job, receipt)));
    await context.step("concluded");
  }

  async function onBlocks(head: Head, receipts: ReadonlyMap<Hex, Receipt>): Promise<void> {
    await Promise.all(
      [...flights.values()].map(async (flight) => {
        let receipt: Receipt | undefined;
        if (flight.state !== "mined") {
          receipt = flight.versions
            .map(({ hash }) => receipts.get(hash))
            .find((found) => found !== undefined);
          if (receipt === undefined) return;
          await land(flight, receipt);
        }
        await settleMined(flight, head, receipt).catch((error: unknown) =>
          context.observe({ type: "failed", lane: name, step: "conclude", error }),
        );
      }),
    );
  }

  async function findReceipt(flight: Flight): Promise<Receipt | undefined> {
    const found = await Promise.all(flight.versions.map(({ hash }) => chain.receipt(hash)));
    return found.find((receipt) => receipt !== undefined);
  }

  async function onReorganization(): Promise<void> {
    for (const flight of inState("mined")) {
      const receipt = await findReceipt(flight);
      if (receipt !== undefined && receipt.blockHash === flight.mined?.blockHash) continue;
      const { hash, raw } = latest(flight);
      tell("reorganized", flight, hash);
      for (const job of flight.jobs) {
        if (job.record.state === "confirmed") await unconfirm(ledger, job, hash);
      }
      delete flight.mined;
      flight.state = "flying";
      flight.firstSentMs = flight.lastSentMs = Date.now();
      if (receipt === undefined) await chain.broadcast(raw);
      else await land(flight, receipt);
    }
  }

  async function tend(head: Head): Promise<void> {
    await retireSettled(head);
    for (const flight of inState("unsent")) await resend(flight);
    if (suspended && inState("unsent").length === 0) await resume();
    const flying = inState("flying").toSorted((a, b) => a.nonce - b.nonce);
    const now = Date.now();
    const resendAfterMs = options.resendAfterMs ?? Math.max(3000, 3 * chain.blockTimeMs());
    const replaceAfterMs = options.replaceAfterMs ?? Math.max(10_000, 10 * chain.blockTimeMs());
    const [oldest] = flying;
    if (oldest === undefined || now - oldest.lastSentMs < Math.min(resendAfterMs, replaceAfterMs))
      return;

    const used = await chain.nonce(account.address, "latest");
    for (const flight of flying.filter(({ nonce }) => nonce < used)) {
      const receipt = await findReceipt(flight);
      if (receipt === undefined) giveUp(flight);
      else await land(flight, receipt);
    }
    for (const flight of inState("flying")) {
      const tooCheap = latest(flight).fees.maxFeePerGas < head.baseFeePerGas;
      if (flight === oldest && (tooCheap || now - flight.firstSentMs >= replaceAfterMs))
        await replace(flight);
      else if (now - flight.lastSentMs >= resendAfterMs) await resend(flight);
    }
  }

  /** Takes the lane back when its signer can pay for a few transactions again. */
  async function resume(): Promise<void> {
    const { maxFeePerGas } = await chain.fees();
    if ((await chain.balance(account.address)) < RESERVE_GAS * maxFeePerGas) return;
    suspended = false;
    context.observe({ type: "lane_resumed", lane: name });
  }

  /** Another transaction has the nonce: this one can never be mined, and its payments go to the next. */
  function giveUp(flight: Flight): void {
    flight.state = "lost";
    nextNonce = Math.max(nextNonce, flight.nonce + 1);
    tell("nonce_lost", flight, latest(flight).hash);
    context.requeue(flight.jobs.filter((job) => !isDone(job)));
  }

  async function resend(flight: Flight): Promise<void> {
    flight.lastSentMs = Date.now();
    const { raw, hash } = latest(flight);
    await onResent(flight, await chain.broadcast(raw), "resent", hash);
  }

  /** The same calls and nonce with a higher fee, as far as the ceiling allows. */
  async function replace(flight: Flight): Promise<void> {
    const fees = bumpFees(latest(flight).fees, await chain.fees(), chain.feeCeiling);
    // What some members became is not known any more after a restart: then the bytes stay as they are.
    if (fees === undefined || flight.jobs.length < flight.members.length)
      return await resend(flight);
    const version = await signVersion(chain, account, flight.jobs, flight.nonce, fees);
    if (!(await record(flight, version))) return;
    flight.versions.push(version);
    flight.firstSentMs = flight.lastSentMs = Date.now();
    noteMembers(flight, version.hash);
    await onResent(flight, await chain.broadcast(version.raw), "replaced", version.hash);
  }

  async function onResent(
    flight: Flight,
    outcome: BroadcastOutcome,
    type: "resent" | "replaced",
    hash: Hex,
  ): Promise<void> {
    if (outcome === "accepted" || outcome === "unknown") {
      tell(type, flight, hash);
      if (flight.state !== "unsent") return;
      flight.state = "flying";
      flight.firstSentMs = Date.now();
      nextNonce = Math.max(nextNonce, flight.nonce + 1);
      context.unqueue(flight.jobs);
    } else if (outcome === "nonce_too_low") {
      const receipt = await findReceipt(flight);
      if (receipt === undefined) giveUp(flight);
      else await land(flight, receipt);
    } else if (outcome === "underpriced" && type === "resent") {
      await replace(flight);
    } else if (outcome === "insufficient_funds") {
      suspend(outcome);
    }
  }

  /** Takes flights out of the log that nothing can undo any more, or whose payments went elsewhere. */
  async function retireSettled(head: Head): Promise<void> {
    const gone = [...flights.values()].filter((flight) => {
      const hashes = new Set<string>(flight.versions.map(({ hash }) => hash));
      if (flight.state === "mined") {
        const deep =
          head.number - (flight.mined?.block ?? head.number) >= BigInt(options.reorgDepth);
        return deep && flight.jobs.every(isDone);
      }
      const left = (job: Job) => isDone(job) || !hashes.has(job.record.transaction ?? "");
      return (flight.state === "lost" || flight.state === "unsent") && flight.jobs.every(left);
    });
    if (gone.length === 0) return;
    await retire(gone.flatMap((flight) => flight.versions.map(({ hash }) => hash)));
    for (const { nonce } of gone) flights.delete(nonce);
  }

  return {
    name,
    fence,
    ready: () => !preparing && !broken && !suspended && inState("flying").length < options.window,
    flying: () => inState("flying").length,
    busy: () => preparing || flights.size > 0,
    broken: () => broken,
    dispatch,
    onBlocks,
    onReorganization,
    tend,
    unfinished: () =>
      [
        ...new Set([...inDispatch, ...[...flights.values()].flatMap((flight) => flight.jobs)]),
      ].filter((job) => !isDone(job)),
  };
}
