import type { Hex } from "../../src/core/scheme.ts";
import type { Head, Receipt } from "../chain.ts";
import type { Flight } from "./flight.ts";
import { isDone, type Job } from "./job.ts";
import { inState, retryLater, type LaneContext, type LaneState } from "./lane-state.ts";
import { admit, launch } from "./launch.ts";
import { onBlocks, onReorganization } from "./mined.ts";
import { tend } from "./tend.ts";

/** One leased lane: one signer's transactions, in order of nonce. Made anew with every lease. */
export interface Lane {
  readonly name: string;
  readonly fence: number;
  /** Whether it takes payments right now. */
  ready(): boolean;
  /** Transactions that are sent and not mined. */
  flying(): number;
  /** Whether nothing of it is on its way to the nodes right now: what is mined, its successor can watch. */
  atRest(): boolean;
  /** Whether a transaction is one that may still be mined. */
  carries(transaction: string): boolean;
  /** Whether it has to be leased again before it can go on, because only the log knows what was recorded. */
  broken(): boolean;
  /** Whether anything is under way that has to be watched. */
  busy(): boolean;
  /** Sends one transaction for these payments. Never throws. */
  dispatch(jobs: readonly Job[]): Promise<void>;
  /** Looks through the receipts of newly seen blocks. */
  onBlocks(receipts: ReadonlyMap<Hex, Receipt>): Promise<void>;
  /** Looks again at everything that was mined: the chain was reorganized. */
  onReorganization(): Promise<void>;
  /** Resends, replaces and gives up what is stuck; retires what is beyond doubt. */
  tend(head: Head): Promise<void>;
  /** The payments of the lane that have no result yet. */
  unfinished(): Job[];
  /** The lease is gone: nothing more may be recorded, and so nothing sent. */
  abandon(): void;
}

/**
 * @param flights what the log held when the lane was leased, with `nextNonce` after all of it.
 */
export function createLane(
  context: LaneContext,
  fence: number,
  flights: Set<Flight>,
  nextNonce: number,
): Lane {
  const lane: LaneState = {
    ...context,
    fence,
    flights,
    nextNonce,
    preparing: false,
    broken: false,
    suspended: false,
    balanceCheckedMs: 0,
  };
  const inDispatch = new Set<Job>();
  const inFlight = () => [...flights].flatMap((flight) => flight.jobs);

  async function dispatch(given: readonly Job[]): Promise<void> {
    const jobs = given.filter((job) => !isDone(job));
    lane.preparing = true;
    for (const job of jobs) inDispatch.add(job);
    let admitted: readonly Job[] = [];
    try {
      admitted = await admit(lane, jobs);
      await launch(lane, admitted);
    } catch (error) {
      context.observe({ type: "failed", lane: lane.name, step: "dispatch", error });
      // Something may have been recorded and not sent: the log knows.
      if (admitted.length > 0) lane.broken = true;
      giveBack(jobs, error);
    } finally {
      lane.preparing = false;
      for (const job of jobs) inDispatch.delete(job);
    }
  }

  /** Payments that were not signed may be let go; those that were stay in the queue until they have an end. */
  function giveBack(jobs: readonly Job[], error: unknown): void {
    const flying = new Set(inState(lane, "flying").flatMap((flight) => flight.jobs));
    const open = jobs.filter((job) => !isDone(job) && !flying.has(job));
    for (const job of open) if (job.record.state === "claimed" || lane.broken) job.fail(error);
    if (!lane.broken)
      retryLater(
        lane,
        open.filter((job) => job.record.state === "signed"),
      );
  }

  return {
    name: lane.name,
    fence,
    ready: () =>
      !lane.preparing &&
      !lane.broken &&
      !lane.suspended &&
      inState(lane, "flying").length < lane.options.window,
    flying: () => inState(lane, "flying").length,
    atRest: () => !lane.preparing && inState(lane, "flying").length === 0,
    carries: (transaction) =>
      [...inState(lane, "unsent"), ...inState(lane, "flying")].some(({ versions }) =>
        versions.some(({ hash }) => hash === transaction),
      ),
    broken: () => lane.broken,
    busy: () => lane.preparing || flights.size > 0,
    dispatch,
    onBlocks: (receipts) => onBlocks(lane, receipts),
    onReorganization: () => onReorganization(lane),
    tend: (head) => tend(lane, head),
    unfinished: () => [...new Set([...inDispatch, ...inFlight()])].filter((job) => !isDone(job)),
    abandon() {
      lane.broken = true;
    },
  };
}
