import type { LocalAccount } from "viem";
import type { Hex } from "../../src/core/scheme.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { EvmChain } from "../chain.ts";
import type { Flight, Version } from "./flight.ts";
import type { Job } from "./job.ts";
import type { Penalties } from "./penalties.ts";
import type {
  Confirmation,
  FlightEvent,
  ResolvedOptions,
  SettlementEvent,
  Step,
} from "./options.ts";

export interface LaneContext {
  readonly chain: EvmChain;
  readonly account: LocalAccount;
  readonly ledger: Ledger;
  /** `<network>:<signer>`, the lane's name in the ledger. */
  readonly name: string;
  readonly options: ResolvedOptions;
  readonly penalties: Penalties;
  /** Gives payments back to the queue, or takes them from there. */
  requeue(jobs: readonly Job[]): void;
  unqueue(jobs: readonly Job[]): void;
  /** Whether a transaction of any lane of this process may still be mined. */
  isCarried(transaction: string): boolean;
  observe(event: SettlementEvent): void;
  /** Called between the steps, for tests that stop the process there. */
  step(step: Step): Promise<void> | void;
}

/** What a lane knows while it is leased. */
export interface LaneState extends LaneContext {
  readonly fence: number;
  readonly flights: Set<Flight>;
  /** The nonce after everything that was sent. */
  nextNonce: number;
  /** What is being prepared: each set is to be one transaction, in this order. */
  readonly batches: Set<Set<Job>>;
  /** Ends when everything that was given to `dispatch` was sent, or came to nothing. */
  lastSend: Promise<void>;
  /** The ledger failed half-way, and only its log knows what was recorded: the lane has to be leased again. */
  broken: boolean;
  /** The nodes refuse what is next: the signer has no gas, or the fee would be over the ceiling. */
  suspended: boolean;
  balanceCheckedMs: number;
}

export function inState(lane: LaneState, state: Flight["state"]): Flight[] {
  return [...lane.flights].filter((flight) => flight.state === state);
}

export function latest(flight: Flight): Version {
  return flight.versions.at(-1) as Version;
}

export function tell(lane: LaneState, type: FlightEvent, flight: Flight, transaction: Hex): void {
  lane.observe({ type, lane: lane.name, transaction, payments: latest(flight).members.length });
}

/** Takes nothing more until what the nodes refuse now is accepted, or has gone another way. */
export function suspend(lane: LaneState, reason: string): void {
  if (!lane.suspended) lane.observe({ type: "lane_suspended", lane: lane.name, reason });
  lane.suspended = true;
}

/** What a payment waits for, as the chain's options want it. */
export function confirmationOf({ options: { confirmations } }: LaneState, job: Job): Confirmation {
  return typeof confirmations === "function" ? confirmations(job.payment) : confirmations;
}

/** Pause before a payment that could not be prepared is tried again. */
const RETRY_MS = 500;

/** Payments that are signed, and so have to come to an end, go back to the queue after a pause. */
export function retryLater(lane: LaneState, jobs: readonly Job[]): void {
  if (jobs.length > 0) setTimeout(() => lane.requeue(jobs), RETRY_MS);
}
