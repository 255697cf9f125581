import { setTimeout as sleep } from "node:timers/promises";
import { Cluster, Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import { redisLedger, redisLedgerOptions } from "../../src/ledger/redis.ts";
import { startRedis } from "../setup/redis.ts";
import type { TestRedis } from "../setup/redis.ts";
import { ledgerContract } from "./contract.ts";
import { claimOf, inState, LONG } from "./world.ts";
import type { LedgerWorld } from "./world.ts";

let server: TestRedis;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

ledgerContract("redis ledger", async () => worldOf(() => connectRedis(server.url)));

describe("cluster", () => {
  let node: TestRedis;
  beforeAll(async () => {
    node = await startRedis({
      args: ["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"],
    });
    const redis = new Redis(node.url);
    await redis.cluster("ADDSLOTSRANGE", 0, 16_383);
    while (!(await redis.cluster("INFO")).includes("cluster_state:ok")) await sleep(20);
    redis.disconnect();
  });
  afterAll(() => node.stop());

  ledgerContract("redis ledger on a cluster", async () =>
    worldOf(
      () =>
        new Cluster([{ host: "127.0.0.1", port: node.port }], {
          enableOfflineQueue: false,
          retryDelayOnFailover: 0,
          lazyConnect: true,
          redisOptions: redisLedgerOptions,
        }),
    ),
  );
});

describe("keys and records", () => {
  test("one hash a payment, with a hash tag, with a time to live, and nothing else", async () => {
    const redis = connectRedis(server.url);
    const ledger = redisLedger(redis, { prefix: "shape" });
    const input = claimOf({ key: "the-key" });
    await ledger.check();
    await redis.del("shape:check");
    await ledger.claim(input);
    expect(await redis.keys("shape*")).toEqual(["shape:settlement:{the-key}"]);
    const left = await redis.pttl("shape:settlement:{the-key}");
    expect(left).toBeGreaterThan(input.ttlMs - 10_000);
    expect(left).toBeLessThanOrEqual(input.ttlMs);
    expect(await redisLedger(redis, { prefix: "other" }).get("the-key")).toBeUndefined();
    expect(() => redisLedger(redis, { prefix: "a{b}" })).toThrow(TypeError);
    await ledger.close();
  });

  test.each([
    ["a newer version", { version: "2" }, /version 2/],
    ["no version", { version: undefined }, /malformed/],
    ["an odd version", { version: "one" }, /malformed/],
    ["an unknown state", { state: "settled" }, /malformed/],
    ["no fence", { fence: undefined }, /malformed/],
    ["an odd lease", { leaseUntilMs: "soon" }, /malformed/],
    ["an odd flag", { handedOut: "yes" }, /malformed/],
    ["no claimant", { claimant: undefined }, /malformed/],
    ["another key", { key: "another" }, /malformed/],
    ["no payment", { payment: undefined }, /malformed/],
  ])("a record with %s is not touched", async (_, damage, message) => {
    const redis = connectRedis(server.url);
    const ledger = redisLedger(redis);
    const { input, record } = await inState(ledger, "claimed", { leaseMs: LONG });
    const name = `farthing:settlement:{${input.key}}`;
    for (const [field, value] of Object.entries(damage)) {
      await (value === undefined ? redis.hdel(name, field) : redis.hset(name, field, value));
    }
    const before = await redis.hgetall(name);
    const unavailable = { code: "ledger_unavailable", message: expect.stringMatching(message) };
    await expect(ledger.claim(input)).rejects.toMatchObject({ ...unavailable, retry: "unsafe" });
    await expect(ledger.get(input.key)).rejects.toMatchObject(unavailable);
    if (!("key" in damage) && !("payment" in damage)) {
      const { fence } = record;
      await expect(ledger.advance(input.key, { fence, to: "signed" })).rejects.toMatchObject(
        unavailable,
      );
      await expect(ledger.renew(input.key, fence, 1)).rejects.toMatchObject(unavailable);
      await expect(ledger.release(input.key, fence)).rejects.toMatchObject(unavailable);
      await expect(ledger.handOut(input.key, "alice", "hash-1")).rejects.toMatchObject(unavailable);
    }
    expect(await redis.hgetall(name)).toEqual(before);
    await ledger.close();
  });

  test("a key of another type is refused", async () => {
    const redis = connectRedis(server.url);
    const ledger = redisLedger(redis);
    await ledger.check();
    await redis.set("farthing:settlement:{text}", "text");
    await expect(ledger.claim(claimOf({ key: "text" }))).rejects.toMatchObject({
      message: expect.stringMatching(/WRONGTYPE/),
    });
    await ledger.close();
  });

  test("a record that somebody persisted stays, and its fence survives a clock that was set back", async () => {
    const redis = connectRedis(server.url);
    const ledger = redisLedger(redis);
    const { input } = await inState(ledger, "signed", { leaseMs: 0 });
    const name = `farthing:settlement:{${input.key}}`;
    const future = 8_000_000_000_000_000;
    await redis.persist(name);
    await redis.hset(name, "fence", future);
    const { status, record } = await ledger.claim(input);
    expect([status, record.fence]).toEqual(["resumed", future + 1]);
    expect(await redis.pttl(name)).toBe(-1);
    await ledger.close();
  });

  test("scripts come back after SCRIPT FLUSH", async () => {
    const redis = connectRedis(server.url);
    const ledger = redisLedger(redis);
    const { input, record } = await inState(ledger, "claimed");
    await ledger.renew(input.key, record.fence, LONG);
    await redis.script("FLUSH");
    const all = await Promise.all(
      Array.from({ length: 50 }, () => ledger.renew(input.key, record.fence, LONG)),
    );
    expect(all.every(Boolean)).toBe(true);
    await redis.script("FLUSH");
    const claims = await Promise.all(
      Array.from({ length: 50 }, () => ledger.claim({ ...input, key: "flushed" })),
    );
    expect(claims.filter(({ status }) => status === "claimed")).toHaveLength(1);
    await ledger.close();
  });
});

async function worldOf(client: () => Redis | Cluster): Promise<LedgerWorld> {
  const [ledger, replica] = [redisLedger(client()), redisLedger(client())];
  return {
    ledger,
    replica,
    advance: (ms) => sleep(ms + 5),
    exactClock: false,
    stop: async () => {
      await ledger.close();
      await replica.close();
    },
  };
}
