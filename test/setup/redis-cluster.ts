import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { freePort, startRedis } from "./redis.ts";
import type { TestRedis } from "./redis.ts";

export interface TestRedisCluster {
  /** For `connectRedis`: names every node. */
  readonly url: string;
  /** The masters, each with a third of the slots. */
  readonly nodes: readonly TestRedis[];
  /** How many keys each node has. */
  keys(): Promise<number[]>;
  stop(): Promise<void>;
}

const NODES = 3;
const SLOTS = 16_384;

/** Starts a real Redis Cluster (Redis 7) of three masters on the loopback interface, and waits until it is whole. */
export async function startRedisCluster(): Promise<TestRedisCluster> {
  const nodes: TestRedis[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    while (nodes.length < NODES) {
      const args = ["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"];
      const bus = ["--cluster-port", String(await freePort())];
      nodes.push(await startRedis({ args: [...args, ...bus] }));
    }
    await join(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `redis-cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    nodes,
    keys: () => ask(nodes, (redis) => redis.dbsize()),
    stop,
  };
}

async function join(nodes: readonly TestRedis[]): Promise<void> {
  await ask(nodes, async (redis, i) => {
    const slot = (index: number): number => Math.floor((SLOTS * index) / NODES);
    await redis.cluster("ADDSLOTSRANGE", slot(i), slot(i + 1) - 1);
    await redis.call("CLUSTER", "SET-CONFIG-EPOCH", i + 1);
  });
  const [first, ...others] = nodes;
  if (first === undefined) throw new Error("a cluster has nodes");
  // The port of the bus is named, because it is not 10,000 above the other.
  const [bus] = await ask([first], async (redis) => await redis.config("GET", "cluster-port"));
  await ask(others, (redis) =>
    redis.call("CLUSTER", "MEET", "127.0.0.1", String(first.port), String(bus?.[1])),
  );
  await ask(nodes, async (redis) => {
    for (let tries = 0; tries < 1_000; tries++) {
      const info = await redis.cluster("INFO");
      if (info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${NODES}`))
        return;
      await sleep(20);
    }
    throw new Error("the Redis Cluster does not become whole");
  });
}

async function ask<T>(
  nodes: readonly TestRedis[],
  question: (redis: Redis, index: number) => Promise<T>,
): Promise<T[]> {
  return await Promise.all(
    nodes.map(async ({ url }, i) => {
      const redis = new Redis(url);
      try {
        return await question(redis, i);
      } finally {
        redis.disconnect();
      }
    }),
  );
}
