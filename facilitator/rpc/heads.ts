/** Tells of new heads while somebody listens: over a subscription where there is one, else by polling. */
import type { Hex } from "../../src/core/scheme.ts";
import type { Head } from "../chain.ts";
import { createBlockClock } from "./block-clock.ts";

export interface HeadSource {
  /** Asks for the newest head; `stalled` when the chain seems to stand still. May reject. */
  ask(stalled: boolean): Promise<Head>;
  /** Subscribes to heads. Returns what ends that; calls `onEnd` when it ended by itself. */
  readonly subscribe?:
    | ((onHead: (head: Head) => void, onEnd: () => void) => () => void)
    | undefined;
  /** Milliseconds between polls, instead of a fraction of the block time. */
  readonly pollMs?: number | undefined;
  /** Milliseconds between blocks until some were seen. */
  readonly blockTimeMs: number;
  /** Hears what a listener threw. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export interface HeadWatch {
  watch(listener: (head: Head) => void): () => void;
  /** The newest head, while the watch runs and has heard from the chain just now. */
  fresh(): Head | undefined;
  /** Something was sent, and a chain that makes blocks on demand has one now. */
  nudge(): void;
  blockTimeMs(): number;
  close(): void;
}

const POLLS_PER_BLOCK = 4;
/** While it learns when blocks come: often enough that they are not taken for irregular because of the polling. */
const LEARNING_POLLS_PER_BLOCK = 20;
/** Looks for a block that is due: so many in the time of a block. */
const EAGER_POLLS_PER_BLOCK = 50;
const MIN_POLL_MS = 20;
const MAX_POLL_MS = 2000;
/** An older head is believed when it was told so often on end: before that it is a node that lags. */
const BELIEVE_OLDER = 2 * POLLS_PER_BLOCK;
/** The chain stands still after so many block times without a head. */
const STALL_BLOCKS = 5;
const MIN_STALL_MS = 1000;
const BEGIN_MS = 30_000;
const REMEMBERED_HEADS = 256;
const RESUBSCRIBE_MS = [0, 200, 1000, 5000, 15_000];

export function createHeadWatch(source: HeadSource): HeadWatch {
  const listeners = new Set<(head: Head) => void>();
  const clock = createBlockClock(source.blockTimeMs);
  const seen = new Set<Hex>();
  let latest: Head | undefined;
  let older = 0;
  let heardMs = 0;
  let newHeadMs = 0;
  let nudgedFor: Hex | undefined;
  /** Counts starts and stops: what was begun in another run is over. */
  let run = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let subscription:
    | { readonly end: () => void; readonly startMs: number; live: boolean }
    | undefined;
  let subscribes = 0;
  let subscribeAtMs = 0;

  function tell(head: Head): void {
    latest = head;
    older = 0;
    newHeadMs = heardMs;
    seen.add(head.hash);
    if (seen.size > REMEMBERED_HEADS) seen.delete(seen.values().next().value!);
    clock.tick(head.number, newHeadMs);
    for (const listener of listeners) {
      try {
        listener(head);
      } catch (error) {
        source.onError?.(error);
      }
    }
  }

  function hear(head: Head): void {
    heardMs = Date.now();
    if (latest === undefined) {
      tell(head);
    } else if (head.hash === latest.hash) {
      older = 0;
    } else if (
      head.number > latest.number ||
      (head.number === latest.number && !seen.has(head.hash))
    ) {
      tell(head);
    } else if (++older >= BELIEVE_OLDER) {
      tell(head);
    }
  }

  function pollMs(): number {
    const fraction = clock.blockTimeMs() / POLLS_PER_BLOCK;
    return source.pollMs ?? Math.min(Math.max(fraction, MIN_POLL_MS), MAX_POLL_MS);
  }

  /** Rests until shortly before the next block is due, and looks often then, so that it is seen soon after it came. */
  function nextPollMs(): number {
    const told = subscription?.live === true || source.pollMs !== undefined;
    const blockTimeMs = clock.blockTimeMs();
    if (!told && clock.isLearning())
      return Math.min(Math.max(blockTimeMs / LEARNING_POLLS_PER_BLOCK, MIN_POLL_MS), pollMs());
    if (told || !clock.isSteady()) return restMs();
    const sinceHeadMs = Date.now() - newHeadMs;
    if (sinceHeadMs > 1.5 * blockTimeMs) return pollMs();
    const eagerMs = Math.max(MIN_POLL_MS, blockTimeMs / EAGER_POLLS_PER_BLOCK);
    const untilDueMs = blockTimeMs - 2 * eagerMs - sinceHeadMs;
    return Math.min(Math.max(untilDueMs, eagerMs), MAX_POLL_MS);
  }

  /** With a subscription, polls only see to it that it is alive. */
  const restMs = (): number =>
    subscription?.live === true
      ? Math.max(3 * clock.blockTimeMs(), 4 * pollMs(), MIN_STALL_MS)
      : pollMs();

  async function poll(own: number): Promise<void> {
    const startMs = Date.now();
    const quietMs = startMs - newHeadMs;
    if (subscription?.live !== true || quietMs >= restMs()) {
      try {
        const head = await source.ask(
          quietMs > Math.max(STALL_BLOCKS * clock.blockTimeMs(), MIN_STALL_MS),
        );
        if (own !== run) return;
        // A subscription that has kept silent about a head is dead.
        if (subscription?.live === true && latest !== undefined && head.number > latest.number)
          unsubscribe();
        hear(head);
      } catch {
        // The endpoints keep count of it; the next poll is another try.
      }
    }
    // A listener may have stopped the watch.
    if (own !== run) return;
    // One that never began is given up when blocks came meanwhile.
    if (subscription?.live === false && newHeadMs - subscription.startMs > BEGIN_MS) unsubscribe();
    if (subscription === undefined && startMs >= subscribeAtMs) subscribe(own);
    // A nudge may have set a timer meanwhile: there is one loop.
    clearTimeout(timer);
    timer = setTimeout(() => void poll(own), Math.max(nextPollMs() - (Date.now() - startMs), 1));
  }

  function subscribe(own: number): void {
    if (source.subscribe === undefined) return;
    const end = source.subscribe(
      (head) => {
        if (own !== run || subscription !== current) return;
        current.live = true;
        subscribes = 0;
        hear(head);
      },
      () => {
        if (own !== run || subscription !== current) return;
        unsubscribe();
        pollIn(0);
      },
    );
    const current = { end, startMs: Date.now(), live: false };
    subscription = current;
  }

  function unsubscribe(): void {
    subscription?.end();
    subscription = undefined;
    subscribeAtMs = Date.now() + RESUBSCRIBE_MS[Math.min(subscribes, RESUBSCRIBE_MS.length - 1)]!;
    subscribes += 1;
  }

  function pollIn(ms: number): void {
    clearTimeout(timer);
    const own = run;
    timer = setTimeout(() => void poll(own), ms);
  }

  function stop(): void {
    run += 1;
    clearTimeout(timer);
    unsubscribe();
    subscribes = subscribeAtMs = 0;
    clock.restart();
  }

  return {
    watch(listener) {
      const own = (head: Head): void => listener(head);
      listeners.add(own);
      if (listeners.size === 1) {
        run += 1;
        void poll(run);
      }
      return () => {
        if (listeners.delete(own) && listeners.size === 0) stop();
      };
    },
    fresh() {
      if (listeners.size === 0 || latest === undefined) return undefined;
      const patienceMs =
        subscription?.live === true
          ? 2 * clock.blockTimeMs() + 1000
          : Math.max(3 * pollMs(), 1.5 * clock.blockTimeMs()) + 100;
      return Date.now() - heardMs <= patienceMs ? latest : undefined;
    },
    nudge() {
      if (latest === undefined || listeners.size === 0 || pollMs() <= MIN_POLL_MS) return;
      // Once a head, so that many transactions do not make many polls.
      if (subscription?.live === true || nudgedFor === latest.hash) return;
      nudgedFor = latest.hash;
      pollIn(MIN_POLL_MS);
    },
    blockTimeMs: () => clock.blockTimeMs(),
    close() {
      listeners.clear();
      stop();
    },
  };
}
