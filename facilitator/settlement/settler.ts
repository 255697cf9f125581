import type { LocalAccount } from "viem";
import type { Ledger, SettlementRecord } from "../../src/ledger/ledger.ts";
import type { EvmChain } from "../chain.ts";
import { createFollower } from "./follow.ts";
import { PAYMENT_LEASE_MS, type Job } from "./job.ts";
import { createLane, type Lane } from "./lane.ts";
import { createLeases, laneName, ROUND_MS } from "./leases.ts";
import {
  resolveOptions,
  type SettlementEvent,
  type SettlementOptions,
  type Step,
} from "./options.ts";
import type { Penalties } from "./penalties.ts";
import { createQueue } from "./queue.ts";
import { reload } from "./reload.ts";

export interface SettlerContext {
  readonly chain: EvmChain;
  /** The keys that may send; each is a lane, which one replica at a time leases. */
  readonly signers: readonly LocalAccount[];
  readonly options: SettlementOptions;
  readonly ledger: Ledger;
  readonly penalties: Penalties;
  /** Name of this process among the replicas. */
  readonly owner: string;
  revive(record: SettlementRecord): Job | undefined;
  observe(event: SettlementEvent): void;
  step(step: Step): Promise<void> | void;
}

/** Settles the payments of one chain with the lanes that this process has leased. */
export interface Settler {
  /** Leases lanes and takes up what they have under way; again and again until `close`. */
  start(): void;
  submit(job: Job): void;
  /** Leases, and how much waits and flies. */
  status(): { lanes: number; queued: number; flying: number };
  /** Takes nothing new, waits until nothing is under way or the time is up, and gives the lanes back. */
  close(timeoutMs: number): Promise<void>;
}

export function createSettler(context: SettlerContext): Settler {
  const { chain, ledger } = context;
  const options = resolveOptions(context.options);
  const limits = { maxCalls: options.maxBatch, maxGas: options.maxBatchGas };
  const queue = createQueue();
  let closing = false;
  let closed = false;
  let pumping = false;

  const failed = (step: string, error: unknown) =>
    context.observe({ type: "failed", lane: chain.network, step, error });
  const lanes = (): readonly Lane[] => leases.all().map(({ lane }) => lane);
  const follower = createFollower({ chain, lanes, failed, worked: schedulePump });
  const leases = createLeases({
    ...context,
    network: chain.network,
    open,
    onAcquired(lane) {
      context.observe({ type: "lane_acquired", lane: lane.name });
      // Claimed anew before the lane was leased: their transaction is in its log, and may be on its way.
      const carried = lane
        .unfinished()
        .filter(({ record }) => lane.carries(record.transaction ?? ""));
      queue.remove(carried);
      if (lane.busy()) follower.tend(() => [lane]);
      schedulePump();
    },
    onLost,
    onRound() {
      tendQuietly();
      renewWaiting();
      schedulePump();
    },
    isUrgent: () => queue.size > 0,
    isWanted: (name) =>
      [...queue.values()].some((job) => job.call.sender !== undefined && isOf(job, { name })),
    failed,
  });

  /** Hands out what waits, to the lane with the least to do. */
  function pump(): void {
    pumping = false;
    while (sendOne());
    watchWhileBusy();
  }

  /** Sends one transaction, if there is a lane that takes any of what waits. */
  function sendOne(): boolean {
    const isFull = queue.size >= options.maxBatch;
    const free = leases
      .all()
      .filter(({ lane, leaving }) => !leaving && lane.ready(isFull))
      .map(({ lane }) => lane)
      .toSorted((a, b) => a.load() - b.load());
    const isHeld = (job: Job): boolean => lanes().some((lane) => lane.holds(job));
    for (const lane of free) {
      const jobs = queue.take(limits, (job) => isOf(job, lane) && !isHeld(job));
      if (jobs.length === 0) continue;
      void lane.dispatch(jobs).then(schedulePump);
      return true;
    }
    return false;
  }

  /** Whether a lane's signer can send a payment. */
  const isOf = ({ call: { sender } }: Job, { name }: Pick<Lane, "name">): boolean =>
    sender === undefined || name === laneName(chain.network, sender);

  /** Lets what arrives in this turn of the event loop gather; waits for nothing else. */
  function schedulePump(): void {
    if (pumping) return;
    pumping = true;
    setImmediate(pump);
  }

  function watchWhileBusy(): void {
    follower.follow(!closed && (queue.size > 0 || lanes().some((lane) => lane.busy())));
  }

  /** Renews the payments that wait here for so long that their own lease runs out. */
  function renewWaiting(): void {
    for (const job of [...queue.values(), ...lanes().flatMap((lane) => lane.unfinished())]) {
      if (job.record.state !== "claimed" || Date.now() < job.renewAtMs) continue;
      job.renewAtMs = Date.now() + PAYMENT_LEASE_MS / 2;
      void ledger.renew(job.key, job.record.fence, PAYMENT_LEASE_MS).catch(() => undefined);
    }
  }

  /** Looks after what is stuck also when no heads come, which may be because nothing is sent. */
  function tendQuietly(): void {
    if (Date.now() - follower.lastHeadMs() < ROUND_MS) return;
    if (lanes().some((lane) => lane.busy())) follower.tend(lanes);
  }

  async function open(name: string, account: LocalAccount, fence: number): Promise<Lane> {
    const state = await reload(chain, ledger, name, fence, account.address, context.revive);
    return createLane(
      {
        chain,
        account,
        ledger,
        name,
        options,
        penalties: context.penalties,
        requeue(jobs) {
          queue.push(jobs);
          schedulePump();
        },
        unqueue: (jobs) => queue.remove(jobs),
        isCarried: (transaction) => lanes().some((lane) => lane.carries(transaction)),
        observe: context.observe,
        step: context.step,
      },
      fence,
      state.flights,
      state.nextNonce,
    );
  }

  /** Whoever waits here for a payment of the lane asks the ledger from now on. */
  function onLost(lane: Lane): void {
    context.observe({ type: "lane_lost", lane: lane.name });
    const unfinished = lane.unfinished();
    queue.remove(unfinished);
    for (const job of unfinished) job.fail(undefined);
  }

  async function untilDone(deadlineMs: number): Promise<void> {
    while (Date.now() < deadlineMs) {
      if (queue.size === 0 && lanes().every((lane) => lane.unfinished().length === 0)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  return {
    start: leases.start,
    submit(job) {
      if (closing) return job.fail(undefined);
      leases.start();
      queue.push([job]);
      schedulePump();
    },
    status: () => ({
      lanes: lanes().length,
      queued: queue.size,
      flying: lanes().reduce((sum, lane) => sum + lane.flying(), 0),
    }),
    async close(timeoutMs) {
      closing = true;
      leases.close();
      if (leases.started()) await untilDone(Date.now() + timeoutMs);
      closed = true;
      watchWhileBusy();
      for (const job of queue.values()) job.fail(undefined);
      await leases.stop(follower.idle);
    },
  };
}
