/** Tells of new heads while somebody listens. */
import type { Hex } from "../../src/core/scheme.ts";
import type { Head } from "../chain.ts";
import { createBlockClock } from "./block-clock.ts";

export interface HeadSource {
  /** Asks for the newest head. May reject. */
  readonly ask: () => Promise<Head>;
  /** Asks all endpoints, for when the chain seems to stand still. */
  readonly askAll: () => Promise<Head>;
  /** Subscribes to heads, where that can be done. Returns what ends it. `onEnd` once it ended by itself. */
  readonly subscribe?:
    | ((onHead: (head: Head) => void, onEnd: () => void) => () => void)
    | undefined;
  /** Instead of a fraction of the block time. */
  readonly pollMs?: number | undefined;
  /** Milliseconds between blocks until there were some. */
  readonly blockTimeMs: number;
}

export interface HeadWatch {
  watch(listener: (head: Head) => void): () => void;
  /** The newest head while the watch is running and has heard of the chain just now. */
  fresh(): Head | undefined;
  blockTimeMs(): number;
  close(): void;
}

const POLLS_PER_BLOCK = 4;
const MIN_POLL_MS = 20;
const MAX_POLL_MS = 2000;
/** An older head is believed when it was answered so many times on end: before that it is an endpoint that lags. */
const BELIEVE_OLDER = 2 * POLLS_PER_BLOCK;
/** So many block times without a head are a stall. */
const STALL_BLOCKS = 5;
const REMEMBERED = 256;
const RESUBSCRIBE_MS = [100, 500, 2000, 10_000];

export function createHeadWatch(source: HeadSource): HeadWatch {
  const listeners = new Set<(head: Head) => void>();
  const clock = createBlockClock(source.blockTimeMs);
  const seen = new Set<Hex>();
  let latest: Head | undefined;
  let older = 0;
  let heardMs = 0;
  let newHeadMs = 0;
  /** Counts starts and stops: what was begun under another number is over. */
  let run = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let unsubscribe: (() => void) | undefined;
  let subscribed = false;
  let resubscribes = 0;
  let resubscribeAtMs = 0;

  function tell(head: Head): void {
    latest = head;
    older = 0;
    newHeadMs = Date.now();
    seen.add(head.hash);
    if (seen.size > REMEMBERED) seen.delete(seen.values().next().value!);
    clock.tick(head.number, newHeadMs);
    for (const listener of listeners) {
      try {
        listener(head);
      } catch (error) {
        // One listener's mistake must not cost the others their head, nor be silent.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  function hear(head: Head): void {
    heardMs = Date.now();
    if (latest === undefined) return tell(head);
    if (head.hash === latest.hash) {
      older = 0;
      return;
    }
    // An endpoint that lags answers what was the head before. Only persistence makes it the head again.
    const back = head.number < latest.number || seen.has(head.hash);
    if (back && ++older < BELIEVE_OLDER) return;
    tell(head);
  }

  function pollMs(): number {
    if (source.pollMs !== undefined) return source.pollMs;
    const fraction = clock.blockTimeMs() / POLLS_PER_BLOCK;
    return Math.min(Math.max(fraction, MIN_POLL_MS), MAX_POLL_MS);
  }

  /** Under a subscription polls only make sure that it is alive. */
  const restMs = (): number =>
    subscribed ? Math.max(3 * clock.blockTimeMs(), 10 * pollMs()) : pollMs();

  async function poll(own: number): Promise<void> {
    const startMs = Date.now();
    try {
      const stalled = startMs - newHeadMs > Math.max(STALL_BLOCKS * clock.blockTimeMs(), 1000);
      if (!subscribed || startMs - newHeadMs >= restMs() * 0.9) {
        const head = await (stalled ? source.askAll() : source.ask());
        if (own !== run) return;
        // A subscription that kept silent about a head is dead.
        if (subscribed && latest !== undefined && head.number > latest.number + 1n)
          endSubscription();
        hear(head);
      }
    } catch {
      // The endpoints keep count; the next poll is another try.
    }
    if (own !== run) return;
    if (!subscribed && source.subscribe !== undefined && Date.now() >= resubscribeAtMs)
      subscribe(own);
    timer = setTimeout(() => void poll(own), Math.max(restMs() - (Date.now() - startMs), 1));
  }

  function subscribe(own: number): void {
    resubscribeAtMs =
      Date.now() + RESUBSCRIBE_MS[Math.min(resubscribes, RESUBSCRIBE_MS.length - 1)]!;
    resubscribes += 1;
    unsubscribe?.();
    let over = false;
    const end = source.subscribe!(
      (head) => {
        if (own !== run || over) return;
        subscribed = true;
        resubscribes = 0;
        hear(head);
      },
      () => {
        if (own === run && !over) endSubscription();
      },
    );
    unsubscribe = () => {
      over = true;
      end();
    };
  }

  function endSubscription(): void {
    const wasSubscribed = subscribed;
    subscribed = false;
    unsubscribe?.();
    unsubscribe = undefined;
    if (!wasSubscribed) return;
    // Polling takes over at once.
    clearTimeout(timer);
    timer = setTimeout(() => void poll(run), 0);
  }

  function start(): void {
    run += 1;
    clock.restart();
    void poll(run);
  }

  function stop(): void {
    run += 1;
    clearTimeout(timer);
    subscribed = false;
    unsubscribe?.();
    unsubscribe = undefined;
    resubscribes = 0;
    resubscribeAtMs = 0;
  }

  return {
    watch(listener) {
      const own = (head: Head): void => listener(head);
      listeners.add(own);
      if (listeners.size === 1) start();
      return () => {
        if (listeners.delete(own) && listeners.size === 0) stop();
      };
    },
    fresh() {
      if (listeners.size === 0 || latest === undefined) return undefined;
      const patienceMs = subscribed ? 2 * clock.blockTimeMs() + 1000 : 3 * pollMs() + 100;
      return Date.now() - heardMs <= patienceMs ? latest : undefined;
    },
    blockTimeMs: () => clock.blockTimeMs(),
    close() {
      listeners.clear();
      stop();
    },
  };
}
