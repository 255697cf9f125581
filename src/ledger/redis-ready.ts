import type { Cluster, Redis } from "ioredis";

/**
 * Waits until the client has a connection, together for all who wait, but not for longer than `waitMs`.
 *
 * It stands in for ioredis' offline queue, which sends a queued command after its caller was told that it timed out:
 * what is given up here was never sent. False: still no connection.
 */
export function readyGate(redis: Redis | Cluster, waitMs: number): () => Promise<boolean> {
  let waiting: Promise<boolean> | undefined;

  function wait(): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        redis.off("ready", done);
        redis.off("end", done);
        waiting = undefined;
        resolve(isReady(redis));
      };
      const timer = setTimeout(done, waitMs);
      redis.once("ready", done);
      redis.once("end", done);
      if (redis.status === "wait") redis.connect().catch(() => undefined); // a lazy client; failing shows as no "ready"
    });
  }

  return async () => {
    if (isReady(redis)) return true;
    if (redis.status === "end") return false;
    waiting ??= wait();
    return waiting;
  };
}

/** Whether a command would be written to a connection now. */
export function isReady(redis: Redis | Cluster): boolean {
  return redis.status === "ready";
}
