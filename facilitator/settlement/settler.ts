import type { LocalAccount } from "viem";
import type { Hex } from "../../src/core/scheme.ts";
import type { Ledger, SettlementRecord } from "../../src/ledger/ledger.ts";
import type { EvmChain, Head, Receipt } from "../chain.ts";
import type { Job } from "./job.ts";
import { createLane, type Lane } from "./lane.ts";
import {
  resolveOptions,
  type SettlementEvent,
  type SettlementOptions,
  type Step,
} from "./options.ts";
import { createQueue } from "./queue.ts";
import { reload } from "./reload.ts";

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
/** Queued payments are leased from the ledger for this long at a time. */
export const PAYMENT_LEASE_MS = 5000;
/** A lane is passed on after this long when there are more replicas than lanes. */
const TURN_MS = 3000;
const MAX_BLOCKS_AT_ONCE = 32;

export function createSettler(context: SettlerContext): Settler {
  const { chain, ledger, owner, signers } = context;
  const options = resolveOptions(context.options);
  const queue = createQueue();
  const lanes = new Map<string, { lane: Lane; sinceMs: number; leaving: boolean }>();
  let leases = 0;
  let closing = false;
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
    const busy = queue.size > 0 || all().some(({ lane }) => lane.busy());
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
    if (head.number - from < MAX_BLOCKS_AT_ONCE) {
      for (let number = head.number - 1n; number >= from; number--) {
        const block = await chain.block(number);
        if (block !== undefined) blocks.unshift(block);
      }
    }
    const receipts = new Map<Hex, Receipt>();
    if (all().some(({ lane }) => lane.flying() > 0)) {
      for (const receipt of (
        await Promise.all(blocks.map((block) => chain.blockReceipts(block)))
      ).flat()) {
        receipts.set(receipt.transaction, receipt);
      }
    }
    const reorganized =
      last !== undefined &&
      (head.number <= last.number ? head.hash !== last.hash : blocks[0]?.parentHash !== last.hash);
    seen = head;
    for (const { lane } of all()) {
      if (reorganized && blocks.length < MAX_BLOCKS_AT_ONCE) await lane.onReorganization();
      await lane.onBlocks(head, receipts);
    }
    for (const { lane } of all()) {
      await lane.tend(head).catch((error: unknown) => failed("tend", error));
    }
  }

  const failed = (step: string, error: unknown) =>
    context.observe({ type: "failed", lane: chain.network, step, error });

  async function leaseRound(): Promise<void> {
    const live = await ledger.lanes.announce(chain.network, owner, 3 * ROUND_MS);
    const share = Math.max(1, Math.ceil(signers.length / live));
    for (const account of signers) {
      const name = `${chain.network}:${account.address.toLowerCase()}`;
      const held = lanes.get(name);
      if (held === undefined) {
        if (!closing && lanes.size < share) await take(name, account);
      } else if (
        held.lane.broken() ||
        !(await ledger.lanes.renew(name, held.lane.fence, LANE_LEASE_MS))
      ) {
        await drop(name, held.lane);
      } else {
        const tooMany = all().filter(({ leaving }) => !leaving).length > share;
        const turnIsOver = live > signers.length && Date.now() - held.sinceMs > TURN_MS;
        if (tooMany || turnIsOver) held.leaving = true;
        if (held.leaving && held.lane.flying() === 0 && held.lane.unfinished().length === 0)
          await drop(name, held.lane);
      }
    }
    tendQuietly();
    for (const job of queue.values()) {
      if (job.record.state === "claimed") {
        void ledger.renew(job.key, job.record.fence, PAYMENT_LEASE_MS).catch(() => undefined);
      }
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
    const { flights, nextNonce } = await reload(
      chain,
      ledger,
      name,
      account.address,
      context.revive,
    );
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
        observe: context.observe,
        step: context.step,
      },
      fence,
      flights,
      nextNonce,
    );
    lanes.set(name, { lane, sinceMs: Date.now(), leaving: false });
    context.observe({ type: "lane_acquired", lane: name });
    if (flights.size > 0) await lane.tend(await chain.head());
    schedulePump();
  }

  /** Gives a lane up. What it has under way is in its log; whoever waits for it here asks the ledger from now on. */
  async function drop(name: string, lane: Lane): Promise<void> {
    lanes.delete(name);
    lane.abandon();
    context.observe({ type: "lane_lost", lane: name });
    for (const job of lane.unfinished()) job.fail(undefined);
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
        setTimeout(resolve, ROUND_MS).unref();
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
      wake();
      unwatch?.();
      unwatch = undefined;
      await heads;
      for (const [name, { lane }] of lanes) await drop(name, lane).catch(() => undefined);
    },
  };
}
