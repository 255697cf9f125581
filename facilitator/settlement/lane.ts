import type { Hex } from "../../src/core/scheme.ts";
import type { Head, Receipt } from "../chain.ts";
import type { Flight } from "./flight.ts";
import { isDone, type Job } from "./job.ts";
import { dispatch } from "./dispatch.ts";
import { inState, type LaneContext, type LaneState } from "./lane-state.ts";
import { onBlocks, onReorganization } from "./mined.ts";
import { tend } from "./tend.ts";

/** Batches in preparation at once: one is being sent, the next is simulated meanwhile. */
const MAX_BATCHES = 2;

/** One leased lane: one signer's transactions, in order of nonce. Made anew with every lease. */
export interface Lane {
  readonly name: string;
  readonly fence: number;
  /** Whether it takes payments right now. A full batch is prepared while the one before is being sent; others wait for that. */
  ready(isFull: boolean): boolean;
  /** Transactions that are sent and not mined. */
  flying(): number;
  /** How much it has to do, to be compared with other lanes: what is being prepared counts most. */
  load(): number;
  /** Whether a payment is in a batch that is being prepared here. */
  holds(job: Job): boolean;
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
    batches: new Set(),
    lastSend: Promise.resolve(),
    broken: false,
    suspended: false,
    balanceCheckedMs: 0,
  };
  const flying = () => inState(lane, "flying").length;
  const room = () => lane.options.window - flying() - lane.batches.size;

  return {
    name: lane.name,
    fence,
    ready: (isFull) =>
      !lane.broken &&
      !lane.suspended &&
      lane.batches.size < (isFull ? MAX_BATCHES : 1) &&
      room() > 0,
    flying,
    load: () => flying() + lane.options.window * lane.batches.size,
    holds: (job) => [...lane.batches].some((batch) => batch.has(job)),
    atRest: () => lane.batches.size === 0 && flying() === 0,
    carries: (transaction) =>
      [...inState(lane, "unsent"), ...inState(lane, "flying")].some(({ versions }) =>
        versions.some(({ hash }) => hash === transaction),
      ),
    broken: () => lane.broken,
    busy: () => lane.batches.size > 0 || flights.size > 0,
    dispatch: (jobs) => dispatch(lane, jobs),
    onBlocks: (receipts) => onBlocks(lane, receipts),
    onReorganization: () => onReorganization(lane),
    tend: (head) => tend(lane, head),
    unfinished() {
      const inFlight = [...flights].flatMap((flight) => flight.jobs);
      const jobs = new Set([...lane.batches].flatMap((batch) => [...batch]).concat(inFlight));
      return [...jobs].filter((job) => !isDone(job));
    },
    abandon() {
      lane.broken = true;
    },
  };
}
