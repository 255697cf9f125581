import type { Cluster, Redis } from "ioredis";

/** Says whether commands may be sent, and waits for it. */
export interface ReadyGate {
  /** Whether a command would be written to a connection now. */
  isOpen(): boolean;
  /** False: still no connection. */
  wait(): Promise<boolean>;
}

/**
 * Waits until the client has a connection, together for all who wait, but not for longer than `waitMs`.
 *
 * It stands in for ioredis' offline queue, which sends a queued command after its caller was told that it timed out:
 * what is given up here was never sent. A cluster is ready once every master was tried: a cluster client connects to a
 * node with the first command, and refuses all others until that connection stands.
 */
export function readyGate(redis: Redis | Cluster, waitMs: number): ReadyGate {
  const cluster = "nodes" in redis ? redis : undefined;
  let triedAll = cluster === undefined;
  let waiting: Promise<boolean> | undefined;
  const isOpen = (): boolean => isReady(redis) && triedAll;

  cluster?.on("close", () => (triedAll = false));

  function wait(): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        redis.off("ready", ready);
        waiting = undefined;
        resolve(isOpen());
      };
      const ready = async (): Promise<void> => {
        await Promise.all(cluster?.nodes("master").map((node) => tried(node)) ?? []);
        triedAll = isReady(redis);
        done();
      };
      const timer = setTimeout(done, waitMs);
      if (isReady(redis)) void ready();
      else redis.once("ready", ready);
      if (redis.status === "wait") redis.connect().catch(() => undefined); // a lazy client; failing shows as no "ready"
    });
  }

  return {
    isOpen,
    wait: async () => {
      if (isOpen()) return true;
      if (redis.status === "end") return false;
      waiting ??= wait();
      return waiting;
    },
  };
}

/** Whether the client is connected. */
function isReady(redis: Redis | Cluster): boolean {
  return redis.status === "ready";
}

/** Ends the client for good, after the replies that are still due. Never throws. */
export async function closeRedis(redis: Redis | Cluster): Promise<void> {
  try {
    if (isReady(redis)) await redis.quit();
  } catch {
    // The connection is gone, which is what was wanted.
  } finally {
    redis.disconnect();
  }
}

/** Connects a node of a cluster, and waits until that has succeeded or failed. */
function tried(node: Redis): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      node.off("ready", done);
      node.off("end", done);
      resolve();
    };
    node.once("ready", done);
    node.once("end", done);
    if (node.status === "wait") node.connect().catch(() => undefined);
    if (isReady(node) || node.status === "end") done();
  });
}
