import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import { redisClaims } from "../../src/ledger/redis-claims.ts";
import { startRedisCluster } from "../setup/redis-cluster.ts";
import type { TestRedisCluster } from "../setup/redis-cluster.ts";
import { claimsContract } from "./claims-contract.ts";
import { claimed, newClaim, redisClaimsWorld } from "./claims-world.ts";
import { eventually, LONG, unique } from "./world.ts";

let cluster: TestRedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster();
}, 30_000);
afterAll(() => cluster.stop());

claimsContract("redis claims on a cluster", async () => redisClaimsWorld(cluster.url));

describe("claims on a cluster", () => {
  const claim300 = (store: ReturnType<typeof redisClaims>) =>
    Promise.allSettled(
      Array.from(
        { length: 300 },
        async () => await store.claim(unique("payment"), newClaim(), LONG),
      ),
    );

  test("the first operations of a new client succeed, all at once, and spread over every node", async () => {
    const before = await cluster.keys();
    const store = redisClaims(connectRedis(cluster.url));
    for (const result of await claim300(store))
      expect(result).toMatchObject({ status: "fulfilled", value: expect.any(String) });
    const after = await cluster.keys();
    for (const [i, keys] of after.entries()) expect(keys - (before[i] ?? 0)).toBeGreaterThan(50);
    await store.close();
  });

  test("one node that may evict is enough to refuse", async () => {
    const admin = new Redis(cluster.nodes[2]?.url ?? "");
    await admin.config("SET", "maxmemory-policy", "allkeys-lru");
    await admin.config("SET", "maxmemory", "100mb");
    const store = redisClaims(connectRedis(cluster.url));
    await expect(claimed(store)).rejects.toMatchObject({ code: "ledger_unavailable" });
    await admin.config("SET", "maxmemory", "0");
    await claimed(store);
    await store.check();
    admin.disconnect();
    await store.close();
  });

  test("while a node is gone its claims fail closed and the others go on; it may come back", async () => {
    const store = redisClaims(connectRedis(cluster.url));
    await store.check();
    await cluster.nodes[1]?.kill();
    const started = performance.now();
    const results = await claim300(store);
    expect(performance.now() - started).toBeLessThan(3_000);
    const failed = results.filter((result) => result.status === "rejected");
    for (const { reason } of failed) expect(reason).toMatchObject({ code: "ledger_unavailable" });
    expect(failed.length).toBeGreaterThan(50);
    expect(failed.length).toBeLessThan(150);
    await cluster.nodes[1]?.restart();
    expect(await eventually(() => store.check())).toBeLessThan(5_000);
    await store.close();
  }, 20_000);
});
