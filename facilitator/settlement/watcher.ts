import type { Hex } from "../../src/core/scheme.ts";
import type { EvmChain, Receipt } from "../chain.ts";

/** Waits for transactions of one chain: one poll of the head for all of them. */
export interface Watcher {
  /**
   * Receipt of a transaction once it is in a block, or nothing after `timeoutMs`. The transaction is broadcast again
   * from time to time while it waits.
   */
  wait(transaction: { hash: Hex; raw: Hex }, timeoutMs: number): Promise<Receipt | undefined>;
}

interface Waiting {
  readonly raw: Hex;
  readonly promise: Promise<Receipt | undefined>;
  readonly deadlineMs: number;
  rebroadcastMs: number;
  readonly resolve: (receipt: Receipt | undefined) => void;
}

const REBROADCAST_MS = 3000;

/** @param pollMs time between two looks at the head while something waits; nothing is polled otherwise. */
export function createWatcher(chain: EvmChain, pollMs: number): Watcher {
  const waiting = new Map<Hex, Waiting>();
  let timer: NodeJS.Timeout | undefined;
  let seen = -1n;

  async function look(): Promise<void> {
    const head = await chain.blockNumber();
    const hashes = [...waiting.keys()];
    if (head !== seen) {
      await Promise.all(
        hashes.map(async (hash) => {
          const receipt = await chain.receipt(hash);
          if (receipt !== undefined) settle(hash, receipt);
        }),
      );
      seen = head;
    }
  }

  function settle(hash: Hex, receipt: Receipt | undefined): void {
    waiting.get(hash)?.resolve(receipt);
    waiting.delete(hash);
  }

  async function tick(): Promise<void> {
    await look().catch(() => undefined);
    const now = Date.now();
    for (const [hash, entry] of waiting) {
      if (now >= entry.deadlineMs) settle(hash, undefined);
      else if (now >= entry.rebroadcastMs) {
        entry.rebroadcastMs = now + REBROADCAST_MS;
        void chain.broadcast(entry.raw);
      }
    }
    timer = waiting.size === 0 ? undefined : setTimeout(() => void tick(), pollMs);
  }

  return {
    wait({ hash, raw }, timeoutMs) {
      const known = waiting.get(hash);
      if (known !== undefined) return known.promise;
      const { promise, resolve } = withResolvers<Receipt | undefined>();
      const now = Date.now();
      waiting.set(hash, {
        raw,
        promise,
        resolve,
        deadlineMs: now + timeoutMs,
        rebroadcastMs: now + REBROADCAST_MS,
      });
      seen = -1n;
      timer ??= setTimeout(() => void tick(), 0);
      return promise;
    },
  };
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}
