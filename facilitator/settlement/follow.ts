import type { Hex } from "../../src/core/scheme.ts";
import type { EvmChain, Head, Receipt } from "../chain.ts";
import type { Lane } from "./lane.ts";

/** Tells the lanes of a chain what its blocks hold. */
export interface Follower {
  /** Follows the chain as long as anything is under way. */
  follow(busy: boolean): void;
  /** Tends the lanes as soon as the work on the heads before is done. */
  tend(lanes: () => readonly Lane[]): void;
  /** When the last head came, or 0. */
  lastHeadMs(): number;
  /** Ends when the work that was begun has ended. */
  idle(): Promise<void>;
}

export interface FollowerContext {
  readonly chain: EvmChain;
  lanes(): readonly Lane[];
  failed(step: string, error: unknown): void;
  /** Called after every piece of work: lanes may be free again. */
  worked(): void;
}

const MAX_BLOCKS_AT_ONCE = 32;

export function createFollower({ chain, lanes, failed, worked }: FollowerContext): Follower {
  let unwatch: (() => void) | undefined;
  /** The newest head whose block was looked through. */
  let seen: Head | undefined;
  let next: Head | undefined;
  let lastHeadMs = 0;
  let work: Promise<void> = Promise.resolve();

  /** Work on heads is done one after another. */
  function inTurn(step: string, run: () => Promise<void>): void {
    const before = work;
    work = (async () => {
      await before;
      await run().catch((error: unknown) => failed(step, error));
      worked();
    })();
  }

  /** Of heads that come while one is worked through only the newest counts. */
  function onHead(head: Head): void {
    const idle = next === undefined;
    next = head;
    lastHeadMs = Date.now();
    if (!idle) return;
    inTurn("blocks", async () => {
      const newest = next;
      next = undefined;
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
    if (lanes().some((lane) => lane.flying() > 0)) {
      const found = await Promise.all(blocks.map((block) => chain.blockReceipts(block)));
      for (const receipt of found.flat()) receipts.set(receipt.transaction, receipt);
    }
    const follows =
      last === undefined ||
      (head.number <= last.number ? head.hash === last.hash : blocks[0]?.parentHash === last.hash);
    for (const lane of lanes()) {
      if (!follows || skipped) await lane.onReorganization();
      await lane.onBlocks(receipts);
    }
    // Only now: what failed until here is done again with the next head.
    seen = head;
    for (const lane of lanes()) {
      await lane.tend(head).catch((error: unknown) => failed("tend", error));
    }
  }

  return {
    follow(busy) {
      if (busy && unwatch === undefined) unwatch = chain.watch(onHead);
      if (!busy && unwatch !== undefined) {
        unwatch();
        unwatch = seen = undefined;
      }
    },
    tend(which) {
      inTurn("tend", async () => {
        const head = await chain.head();
        for (const lane of which()) await lane.tend(head);
      });
    },
    lastHeadMs: () => lastHeadMs,
    idle: () => work,
  };
}
