import type { LocalAccount } from "viem";
import type { Hex } from "../../src/core/scheme.ts";
import type { Ledger, SettlementRecord } from "../../src/ledger/ledger.ts";
import type { EvmChain, Head, Receipt } from "../chain.ts";
import { PAYMENT_LEASE_MS, type Job } from "./job.ts";
import { createLane, type Lane } from "./lane.ts";
import {
  resolveOptions,
  type SettlementEvent,
  type SettlementOptions,
  type Step,
} from "./options.ts";
import { createQueue } from "./queue.ts";
import { reload, type LaneState } from "./reload.ts";

export interface SettlerContext {
  readonly chain: EvmChain;
  /** The keys that may send; each is a lane, which one replica at a time leases. */
  readonly signers: readonly LocalAccount[];
  readonly options: SettlementOptions;
  readonly ledger: Ledger;
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

const LANE_LEASE_MS = 4000;
const ROUND_MS = 1000;
/** A lane is passed on after this long when there are more replicas than lanes. */
const TURN_MS = 3000;
/** Whoever gave a lane up leaves it to the others for this long. */
const REST_MS = 2500;
const MAX_BLOCKS_AT_ONCE = 32;

export function createSettler(context: SettlerContext): Settler {
  const { chain, ledger, owner, signers } = context;
  const options = resolveOptions(context.options);
  const queue = createQueue();
  const lanes = new Map<string, { lane: Lane; sinceMs: number; leaving: boolean }>();
  let leases = 0;
  let taking: Promise<void> | undefined;
  let restUntilMs = 0;
  let closing = false;
  let closed = false;
  let started = false;
  let wake = (): void => undefined;
  let pumping = false;
  let unwatch: (() => void) | undefined;
  let seen: Head | undefined;
  let heads: Promise<void> = Promise.resolve();
  let nextHead: Head | undefined;
  let lastHeadMs = 0;

  const all = () => [...lanes.values()];

  function pump(): void {
    pumping = false;
    while (queue.size > 0) {
      const [best] = all()
        .filter(({ lane, leaving }) => !leaving && lane.ready())
        .toSorted((a, b) => a.lane.flying() - b.lane.flying());
      if (best === undefined) break;
      const jobs = queue.take({ maxCalls: options.maxBatch, maxGas: options.maxBatchGas });
      void best.lane.dispatch(jobs).then(schedulePump);
    }
    watchWhileBusy();
  }

  /** Lets what arrives in this turn of the event loop gather; waits for nothing else. */
  function schedulePump(): void {
    if (pumping) return;
    pumping = true;
    setImmediate(pump);
  }

  function watchWhileBusy(): void {
    const busy = !closed && (queue.size > 0 || all().some(({ lane }) => lane.busy()));
    if (busy && unwatch === undefined) unwatch = chain.watch(onHead);
    if (!busy && unwatch !== undefined) {
      unwatch();
      unwatch = seen = undefined;
    }
  }

  /** Work on heads is done one after another. */
  function inTurn(step: string, work: () => Promise<void>): void {
    const before = heads;
    heads = (async () => {
      await before;
      await work().catch((error: unknown) => failed(step, error));
      schedulePump();
    })();
  }

  /** Of heads that come while one is worked through only the newest counts. */
  function onHead(head: Head): void {
    const idle = nextHead === undefined;
    nextHead = head;
    lastHeadMs = Date.now();
    if (!idle) return;
    inTurn("blocks", async () => {
      const newest = nextHead;
      nextHead = undefined;
      if (newest !== undefined) await workThrough(newest);
    });
  }

  async function workThrough(head: Head): Promise<void> {
    const last = seen;
    const blocks: Head[] = [head];
    const from = last === undefined ? head.number : last.number + 1n;
    const skipped = head.number - from >= MAX_BLOCKS_AT_ONCE;
    const first = skipped ? head.number : from;
    for (let number = head.number - 1n; number >= first; number--) {
      const block = await chain.block(number);
      if (block !== undefined) blocks.unshift(block);
    }
    const receipts = new Map<Hex, Receipt>();
    if (all().some(({ lane }) => lane.flying() > 0)) {
      const found = await Promise.all(blocks.map((block) => chain.blockReceipts(block)));
      for (const receipt of found.flat()) receipts.set(receipt.transaction, receipt);
    }
    const follows =
      last === undefined ||
      (head.number <= last.number ? head.hash === last.hash : blocks[0]?.parentHash === last.hash);
    for (const { lane } of all()) {
      if (!follows || skipped) await lane.onReorganization();
      await lane.onBlocks(receipts);
    }
    // Only now: what failed until here is done again with the next head.
    seen = head;
    for (const { lane } of all()) {
      await lane.tend(head).catch((error: unknown) => failed("tend", error));
    }
  }

  const failed = (step: string, error: unknown) =>
    context.observe({ type: "failed", lane: chain.network, step, error });

  const nameOf = (account: LocalAccount) => `${chain.network}:${account.address.toLowerCase()}`;

  /** Keeps what is leased and gives up what has to go; all lanes at once, for a lease is short. */
  async function leaseRound(): Promise<void> {
    const live = await ledger.lanes.announce(chain.network, owner, 3 * ROUND_MS);
    const share = Math.max(1, Math.ceil(signers.length / live));
    let extra = lanes.size - share;
    const ends = await Promise.allSettled(
      [...lanes].map(async ([name, held]) => {
        const turnIsOver = live > signers.length && Date.now() - held.sinceMs > TURN_MS;
        held.leaving = extra-- > 0 || turnIsOver;
        const { lane } = held;
        const lost = lane.broken() || !(await ledger.lanes.renew(name, lane.fence, LANE_LEASE_MS));
        if (lost) return await drop(name, lane);
        if (!held.leaving || !lane.atRest()) return;
        restUntilMs = Date.now() + REST_MS;
        await drop(name, lane);
      }),
    );
    for (const end of ends) if (end.status === "rejected") failed("lease", end.reason);
    if (taking === undefined) {
      taking = takeFree(share).finally(() => {
        taking = undefined;
      });
    }
    tendQuietly();
    renewWaiting();
  }

  /** Renews the payments that wait here for so long that their own lease runs out. */
  function renewWaiting(): void {
    for (const job of [...queue.values(), ...all().flatMap(({ lane }) => lane.unfinished())]) {
      if (job.record.state !== "claimed" || Date.now() < job.renewAtMs) continue;
      job.renewAtMs = Date.now() + PAYMENT_LEASE_MS / 2;
      void ledger.renew(job.key, job.record.fence, PAYMENT_LEASE_MS).catch(() => undefined);
    }
  }

  /** Leases what nobody has, up to this process's share. May take long, and is not waited for. */
  async function takeFree(share: number): Promise<void> {
    if (Date.now() < restUntilMs) return;
    for (const account of signers) {
      if (lanes.size >= share || closing) break;
      if (lanes.has(nameOf(account))) continue;
      await take(nameOf(account), account).catch((error: unknown) => failed("lease", error));
    }
  }

  /** Looks after what is stuck also when no heads come, which may be because nothing is sent. */
  function tendQuietly(): void {
    if (Date.now() - lastHeadMs < ROUND_MS || !all().some(({ lane }) => lane.busy())) return;
    inTurn("tend", async () => {
      const head = await chain.head();
      for (const { lane } of all()) await lane.tend(head);
    });
  }

  async function take(name: string, account: LocalAccount): Promise<void> {
    const fence = await ledger.lanes.acquire(name, `${owner}:${++leases}`, LANE_LEASE_MS);
    if (fence === undefined) return;
    let state: LaneState;
    try {
      state = await reload(chain, ledger, name, fence, account.address, context.revive);
    } catch (error) {
      await ledger.lanes.release(name, fence);
      throw error;
    }
    const { flights, nextNonce } = state;
    const lane = createLane(
      {
        chain,
        account,
        ledger,
        name,
        options,
        requeue(jobs) {
          queue.push(jobs);
          schedulePump();
        },
        unqueue: (jobs) => queue.remove(jobs),
        isCarried: (transaction) => all().some((other) => other.lane.carries(transaction)),
        observe: context.observe,
        step: context.step,
      },
      fence,
      flights,
      nextNonce,
    );
    lanes.set(name, { lane, sinceMs: Date.now(), leaving: false });
    context.observe({ type: "lane_acquired", lane: name });
    if (flights.size > 0) inTurn("tend", async () => lane.tend(await chain.head()));
    schedulePump();
  }

  /** Gives a lane up. What it has under way is in its log; whoever waits for it here asks the ledger from now on. */
  async function drop(name: string, lane: Lane): Promise<void> {
    lanes.delete(name);
    lane.abandon();
    context.observe({ type: "lane_lost", lane: name });
    const unfinished = lane.unfinished();
    queue.remove(unfinished);
    for (const job of unfinished) job.fail(undefined);
    await ledger.lanes.release(name, lane.fence);
  }

  /** Leases again and again. The pause keeps no process alive: what is under way does. */
  async function leaseForever(): Promise<void> {
    for (;;) {
      await leaseRound().catch((error: unknown) => failed("lease", error));
      schedulePump();
      if (!started) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        const urgent = lanes.size === 0 && queue.size > 0;
        setTimeout(resolve, urgent ? ROUND_MS / 4 : ROUND_MS).unref();
      });
    }
  }

  function start(): void {
    if (started || closing) return;
    started = true;
    void leaseForever();
  }

  async function untilDone(deadlineMs: number): Promise<void> {
    while (Date.now() < deadlineMs) {
      if (queue.size === 0 && all().every(({ lane }) => lane.unfinished().length === 0)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  return {
    start,
    submit(job) {
      if (closing) return job.fail(undefined);
      start();
      queue.push([job]);
      schedulePump();
    },
    status: () => ({
      lanes: lanes.size,
      queued: queue.size,
      flying: all().reduce((sum, { lane }) => sum + lane.flying(), 0),
    }),
    async close(timeoutMs) {
      closing = true;
      if (started) await untilDone(Date.now() + timeoutMs);
      started = false;
      closed = true;
      wake();
      watchWhileBusy();
      for (const job of queue.values()) job.fail(undefined);
      await taking;
      await heads;
      for (const [name, { lane }] of lanes) await drop(name, lane).catch(() => undefined);
    },
  };
}
