import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { redisLedger } from "../../src/ledger/redis.ts";
import { startRedisPair } from "../setup/redis-pair.ts";
import type { TestRedisPair } from "../setup/redis-pair.ts";
import { startRedis } from "../setup/redis.ts";
import { again, claimOf, eventually, holdOf, inState, LONG, transactionOf } from "./world.ts";

const UNAVAILABLE = { code: "ledger_unavailable" };

describe("failover to a replica", () => {
  let pair: TestRedisPair;
  let ledger: Ledger;
  beforeEach(async () => {
    pair = await startRedisPair();
    ledger = redisLedger(connectRedis(pair.url));
  });
  afterEach(async () => {
    await ledger.close();
    await pair.stop();
  });

  test("what the replica had heard of is there, and its owners go on", async () => {
    const { input, record } = await inState(ledger, "claimed");
    const { fence } = record;
    const lane = (await ledger.lanes.acquire("lane", "me", LONG)) ?? 0;
    const transaction = transactionOf();
    await ledger.lanes.record("lane", lane, transaction);
    const hold = holdOf({ amount: 6n });
    await ledger.hold(hold);
    await pair.synced();
    await pair.failover();
    expect(await eventually(() => ledger.check())).toBeLessThan(3_000);
    expect((await ledger.claim(again(input))).status).toBe("held");
    expect(await ledger.advance(input.key, { fence, to: "signed" })).toBe(true);
    expect(await ledger.lanes.renew("lane", lane, LONG)).toBe(true);
    expect(await ledger.lanes.open("lane")).toStrictEqual([transaction]);
    expect(await ledger.hold({ ...hold, id: "another" })).toBe(false);
  });

  test("who was lost with the primary can write no more when another has come", async () => {
    await ledger.check();
    const known = (await ledger.lanes.acquire("known", "me", 0)) ?? 0;
    await pair.synced();
    await pair.split();
    const { input, record } = await inState(ledger, "claimed");
    const { fence } = record;
    const known2 = (await ledger.lanes.acquire("known", "you", LONG)) ?? 0;
    const lane = (await ledger.lanes.acquire("lane", "me", LONG)) ?? 0;
    await pair.failover();
    await eventually(() => ledger.check());
    // Gone: the owner is told, by the first operation that writes.
    expect(await ledger.advance(input.key, { fence, to: "signed" })).toBe(false);
    expect(await ledger.lanes.record("lane", lane, transactionOf())).toBe(false);
    expect(await ledger.lanes.renew("known", known2, LONG)).toBe(false);
    expect(known2).toBeGreaterThan(known);
    // Fences are times, so that what was lost does not come back either.
    const next = (await ledger.claim(again(input))).record.fence;
    expect(next).toBeGreaterThan(fence);
    expect(await ledger.lanes.acquire("lane", "you", LONG)).toBeGreaterThan(lane);
    expect(await ledger.lanes.acquire("known", "you", LONG)).toBeGreaterThan(known2);
    expect(await ledger.advance(input.key, { fence, to: "signed" })).toBe(false);
    expect(await ledger.lanes.renew("lane", lane, LONG)).toBe(false);
    expect(await ledger.lanes.renew("known", known2, LONG)).toBe(false);
  });

  test("a primary that was made a replica is not written to, and left for the new one", async () => {
    await ledger.check();
    await pair.switchover();
    const refused = { ...UNAVAILABLE, message: expect.stringMatching(/READONLY/) };
    await expect(ledger.claim(claimOf())).rejects.toMatchObject({ ...refused, retry: "unsafe" });
    expect(await eventually(() => ledger.claim(claimOf()))).toBeLessThan(1_000);
    await ledger.check();
  });
});

test("with AOF and fsync always, whatever was acknowledged survives kill -9", async () => {
  const server = await startRedis({ persistence: "aof" });
  const ledger = redisLedger(connectRedis(server.url));
  const lane = (await ledger.lanes.acquire("lane", "me", LONG)) ?? 0;
  const claimed: [string, number][] = [];
  const recorded: string[] = [];
  const unknown: unknown[] = [];
  const note = (error: unknown): void => void unknown.push(error);
  const work = Array.from({ length: 32 }, async () => {
    while (unknown.length === 0) {
      const input = claimOf();
      const transaction = transactionOf();
      await Promise.all([
        ledger.claim(input).then(({ record }) => claimed.push([input.key, record.fence]), note),
        ledger.lanes
          .record("lane", lane, transaction)
          .then(() => recorded.push(transaction.hash), note),
      ]);
    }
  });
  await new Promise((resolve) => setTimeout(resolve, 150));
  await server.kill();
  await Promise.all(work);
  for (const error of unknown) expect(error).toMatchObject({ ...UNAVAILABLE, retry: "unsafe" });
  await server.restart();
  await eventually(() => ledger.check());
  expect(claimed.length).toBeGreaterThan(100);
  for (const [key, fence] of claimed) {
    expect(await ledger.get(key)).toMatchObject({ state: "claimed", fence });
  }
  const log = new Set((await ledger.lanes.open("lane")).map(({ hash }) => hash));
  for (const hash of recorded) expect(log).toContain(hash);
  expect(await ledger.lanes.renew("lane", lane, LONG)).toBe(true);
  await ledger.close();
  await server.stop();
}, 20_000);
