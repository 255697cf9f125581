import type { Hex } from "../../src/core/scheme.ts";
import type { Head, Receipt } from "../chain.ts";
import type { Flight } from "./flight.ts";
import { isDone, type Job } from "./job.ts";
import { inState, type LaneContext, type LaneState } from "./lane-state.ts";
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
  /** The lease is gone: nothing more may be recorded, and so nothing sent. */
  abandon(): void;
}

/**
 * @param flights what the log held when the lane was leased, with `nextNonce` after all of it.
 */
export function createLane(
  context: LaneContext,
  fence: number,
  flights: Map<number, Flight>,
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
  };
  const inDispatch = new Set<Job>();
  const inFlight = () => [...flights.values()].flatMap((flight) => flight.jobs);

  async function dispatch(jobs: readonly Job[]): Promise<void> {
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
      const flying = new Set(inFlight());
      for (const job of jobs) if (!flying.has(job)) job.fail(error);
    } finally {
      lane.preparing = false;
      for (const job of jobs) inDispatch.delete(job);
    }
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
    broken: () => lane.broken,
    busy: () => lane.preparing || flights.size > 0,
    dispatch,
    onBlocks: (head, receipts) => onBlocks(lane, head, receipts),
    onReorganization: () => onReorganization(lane),
    tend: (head) => tend(lane, head),
    unfinished: () => [...new Set([...inDispatch, ...inFlight()])].filter((job) => !isDone(job)),
    abandon() {
      lane.broken = true;
    },
  };
}
