import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import type { Claim } from "../../src/ledger/ledger.ts";
import { redisLedger } from "../../src/ledger/redis.ts";
import { startRedisCluster } from "../setup/redis-cluster.ts";
import type { TestRedisCluster } from "../setup/redis-cluster.ts";
import { ledgerContract } from "./contract.ts";
import { redisWorld } from "./redis-world.ts";
import { claimOf, eventually, holdOf, LONG, transactionOf, unique } from "./world.ts";

let cluster: TestRedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster();
}, 30_000);
afterAll(() => cluster.stop());

ledgerContract("redis ledger on a cluster", async () => redisWorld(cluster.url));

describe("cluster", () => {
  test("the first operations of a new client succeed, all at once, and spread over every node", async () => {
    const before = await cluster.keys();
    const ledger = redisLedger(connectRedis(cluster.url));
    const all = Array.from({ length: 300 }, () => ledger.claim(claimOf()));
    for (const { status } of await Promise.all(all)) expect(status).toBe("claimed");
    const after = await cluster.keys();
    for (const [i, keys] of after.entries()) expect(keys - (before[i] ?? 0)).toBeGreaterThan(50);
    await ledger.close();
  });

  test("the first operations succeed too when the client is ready but its nodes are not", async () => {
    const client = connectRedis(cluster.url);
    const ledger = redisLedger(client);
    const whenReady = () =>
      new Promise<Claim[]>((resolve, reject) => {
        client.once("ready", () =>
          Promise.all(Array.from({ length: 100 }, () => ledger.claim(claimOf()))).then(
            resolve,
            reject,
          ),
        );
      });
    const first = whenReady();
    await ledger.check();
    for (const { status } of await first) expect(status).toBe("claimed");

    // The whole cluster goes, and comes back.
    const second = whenReady();
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    const started = performance.now();
    await expect(ledger.claim(claimOf())).rejects.toMatchObject({ code: "ledger_unavailable" });
    expect(performance.now() - started).toBeLessThan(3_000);
    await Promise.all(cluster.nodes.map((node) => node.restart()));
    await eventually(() => ledger.check());
    for (const { status } of await second) expect(status).toBe("claimed");
    await ledger.close();
  }, 20_000);

  test("holds and lanes spread over every node, and what belongs together stays together", async () => {
    const ledger = redisLedger(connectRedis(cluster.url));
    const before = await cluster.keys();
    for (let i = 0; i < 40; i++) {
      expect(await ledger.hold(holdOf())).toBe(true);
      const lane = unique("lane");
      const fence = (await ledger.lanes.acquire(lane, "me", LONG)) ?? 0;
      expect(await ledger.lanes.record(lane, fence, transactionOf())).toBe(true);
    }
    const grown = (await cluster.keys()).map((keys, i) => keys - (before[i] ?? 0));
    expect(grown.reduce((sum, keys) => sum + keys)).toBe(40 * 3);
    for (const keys of grown) expect(keys).toBeGreaterThan(0);
    await ledger.close();
  });

  test("while a node is gone its payments fail closed and the others go on; it may come back", async () => {
    const ledger = redisLedger(connectRedis(cluster.url));
    await ledger.check();
    const [, gone] = cluster.nodes;
    await gone?.kill();
    const started = performance.now();
    const results = await Promise.allSettled(
      Array.from({ length: 300 }, () => ledger.claim(claimOf())),
    );
    expect(performance.now() - started).toBeLessThan(3_000);
    const failed = results.filter((result) => result.status === "rejected");
    for (const { reason } of failed) expect(reason).toMatchObject({ code: "ledger_unavailable" });
    expect(failed.length).toBeGreaterThan(50);
    expect(failed.length).toBeLessThan(150);
    await gone?.restart();
    const back = await eventually(() =>
      Promise.all(Array.from({ length: 100 }, () => ledger.claim(claimOf()))),
    );
    expect(back).toBeLessThan(5_000);
    await ledger.check();
    await ledger.close();
  }, 20_000);

  test("one address is enough, and check asks every node", async () => {
    const [first, , last] = cluster.nodes;
    const ledger = redisLedger(connectRedis(`redis-cluster://127.0.0.1:${first?.port}`));
    await ledger.check();
    const admin = new Redis(last?.url ?? "");
    await admin.config("SET", "maxmemory-policy", "allkeys-lru");
    await admin.config("SET", "maxmemory", "100mb");
    await expect(ledger.check()).rejects.toMatchObject({ code: "ledger_unavailable" });
    await admin.config("SET", "maxmemory", "0");
    await ledger.check();
    admin.disconnect();
    await ledger.close();
  });
});
