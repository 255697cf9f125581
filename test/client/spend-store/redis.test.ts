import { afterAll, beforeAll } from "vitest";
import { startRedisCluster } from "../../setup/redis-cluster.ts";
import type { TestRedisCluster } from "../../setup/redis-cluster.ts";
import { startRedis } from "../../setup/redis.ts";
import type { TestRedis } from "../../setup/redis.ts";
import { spendContract } from "./contract.ts";
import { redisWorld } from "./world.ts";

let server: TestRedis;
let cluster: TestRedisCluster;
beforeAll(async () => {
  [server, cluster] = await Promise.all([startRedis(), startRedisCluster()]);
}, 30_000);
afterAll(async () => {
  await Promise.all([server.stop(), cluster.stop()]);
});

spendContract("spending in Redis", async () => await redisWorld(server.url));
spendContract("spending in a Redis Cluster", async () => await redisWorld(cluster.url));
