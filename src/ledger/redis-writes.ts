import type { Cluster, Redis } from "ioredis";

/**
 * Lets the commands that are given from now on travel together: what a turn of the event loop asks for, the payments of
 * a batch for example, goes to the socket in one write when the turn is over. Each command still has its own reply, its
 * own time-out and its own failure. It costs far less than a write each, and nothing when there is only one.
 */
export function gatherWrites(redis: Redis | Cluster): () => void {
  let gathering = false;
  return () => {
    if (gathering) return;
    gathering = true;
    const nodes = "nodes" in redis ? redis.nodes("master") : [redis];
    // A node that is not connected yet has no stream.
    const streams = nodes.flatMap(({ stream }) => (stream as typeof stream | undefined) ?? []);
    for (const stream of streams) stream.cork();
    process.nextTick(() => {
      gathering = false;
      for (const stream of streams) stream.uncork();
    });
  };
}
