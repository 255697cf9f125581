import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { redisLedger } from "../../src/ledger/redis.ts";
import { startRedis } from "../setup/redis.ts";
import type { TestRedis } from "../setup/redis.ts";
import { ledgerContract } from "./contract.ts";
import { redisWorld } from "./redis-world.ts";
import { again, claimOf, holdOf, inState, LONG, SHORT, transactionOf, unique } from "./world.ts";

let server: TestRedis;
let redis: Redis;
let ledger: Ledger;
beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  ledger = redisLedger(connectRedis(server.url));
});
afterAll(async () => {
  await ledger.close();
  redis.disconnect();
  await server.stop();
});

ledgerContract("redis ledger", async () => redisWorld(server.url));

const unavailable = (message: RegExp) => ({
  code: "ledger_unavailable",
  message: expect.stringMatching(message),
});

describe("records in Redis", () => {
  test("one hash a payment, with a hash tag, with a time to live, and nothing else", async () => {
    const shaped = redisLedger(connectRedis(server.url), { prefix: "shape" });
    const input = claimOf({ key: "the-key" });
    await shaped.check();
    await redis.del("shape:check");
    await shaped.claim(input);
    expect(await redis.keys("shape*")).toEqual(["shape:settlement:{the-key}"]);
    const left = await redis.pttl("shape:settlement:{the-key}");
    expect(left).toBeGreaterThan(input.ttlMs - 10_000);
    expect(left).toBeLessThanOrEqual(input.ttlMs);
    expect(await ledger.get("the-key")).toBeUndefined();
    expect(() => redisLedger(redis, { prefix: "a{b}" })).toThrow(TypeError);
    await shaped.close();
  });

  test.each([
    ["a newer version", { version: "2" }, /version 2/],
    ["no version", { version: undefined }, /malformed/],
    ["an odd version", { version: "one" }, /malformed/],
    ["an unknown state", { state: "broadcast" }, /malformed/],
    ["no fence", { fence: undefined }, /malformed/],
    ["an odd lease", { leaseUntilMs: "soon" }, /malformed/],
    ["no claimant", { claimant: undefined }, /malformed/],
    ["no token", { token: undefined }, /malformed/],
    ["no word of who was told", { handedOutTo: undefined }, /malformed/],
    ["another key", { key: "another" }, /malformed/],
    ["no payment", { payment: undefined }, /malformed/],
    ["an odd time", { signedAtMs: "1.5" }, /malformed/],
  ])("with %s are not touched", async (_, damage, message) => {
    const { input, record } = await inState(ledger, "claimed");
    const { fence } = record;
    const name = `farthing:settlement:{${input.key}}`;
    for (const [field, value] of Object.entries(damage)) {
      await (value === undefined ? redis.hdel(name, field) : redis.hset(name, field, value));
    }
    const before = await redis.hgetall(name);
    const refused = unavailable(message);
    await expect(ledger.claim(input)).rejects.toMatchObject({ ...refused, retry: "unsafe" });
    await expect(ledger.get(input.key)).rejects.toMatchObject(refused);
    if (!["key", "payment", "signedAtMs"].some((field) => field in damage)) {
      const to = { fence, to: "signed" as const };
      await expect(ledger.advance(input.key, to)).rejects.toMatchObject(refused);
      await expect(ledger.renew(input.key, fence, 1)).rejects.toMatchObject(refused);
      await expect(ledger.release(input.key, fence)).rejects.toMatchObject(refused);
      const handOut = ledger.handOut(input.key, "alice", "hash-1", "t");
      await expect(handOut).rejects.toMatchObject(refused);
    }
    expect(await redis.hgetall(name)).toEqual(before);
  });

  test("a key of another type is refused", async () => {
    await redis.set("farthing:settlement:{text}", "text");
    const claim = ledger.claim(claimOf({ key: "text" }));
    await expect(claim).rejects.toMatchObject(unavailable(/WRONGTYPE/));
  });

  test("one that somebody persisted stays, and its fence survives a clock that was set back", async () => {
    const { input } = await inState(ledger, "claimed", { leaseMs: 0 });
    const name = `farthing:settlement:{${input.key}}`;
    const future = 8_000_000_000_000_000;
    await redis.persist(name);
    await redis.hset(name, "fence", `${future}`);
    const { status, record } = await ledger.claim(again(input));
    expect([status, record.fence]).toEqual(["claimed", future + 1]);
    expect(await redis.pttl(name)).toBe(-1);
  });
});

describe("holds in Redis", () => {
  const keys = (account: string) => [
    `farthing:{holds:${account}}:amounts`,
    `farthing:{holds:${account}}:ends`,
  ];

  test("leave nothing behind, whether they end by themselves or are ended", async () => {
    const account = unique("account");
    const [amounts = "", ends = ""] = keys(account);
    for (const id of ["a", "b", "c"]) await ledger.hold(holdOf({ account, id, ttlMs: LONG }));
    await ledger.hold(holdOf({ account, id: "c", ttlMs: 2 * LONG }));
    for (const key of [amounts, ends]) expect(await redis.pttl(key)).toBeGreaterThan(LONG);
    await ledger.hold(holdOf({ account, id: "c", ttlMs: SHORT }));
    for (const key of [amounts, ends]) expect(await redis.pttl(key)).toBeLessThanOrEqual(LONG);
    await new Promise((resolve) => setTimeout(resolve, SHORT + 5));
    expect(await ledger.hold(holdOf({ account, amount: 99n }))).toBe(false); // but sweeps
    expect(await redis.hgetall(amounts)).toEqual({ total: "2", "id:a": "1", "id:b": "1" });
    expect(await redis.zrange(ends, "0", "-1")).toEqual(["a", "b"]);
    await ledger.unhold(account, "a");
    await ledger.unhold(account, "b");
    expect(await redis.exists(amounts, ends)).toBe(0);

    await ledger.hold(holdOf({ account, ttlMs: SHORT }));
    await new Promise((resolve) => setTimeout(resolve, SHORT + 5));
    expect(await redis.exists(amounts, ends)).toBe(0);
  });

  test("whose total cannot be right are refused", async () => {
    const hold = holdOf({ amount: 5n });
    const [amounts = ""] = keys(hold.account);
    await ledger.hold(hold);
    await redis.hset(amounts, "total", "4");
    await expect(ledger.hold(hold)).rejects.toMatchObject(unavailable(/malformed/));
    await expect(ledger.unhold(hold.account, hold.id)).rejects.toMatchObject(
      unavailable(/malformed/),
    );
  });
});

describe("lanes in Redis", () => {
  test("stay for ever, and their fence survives a clock that was set back", async () => {
    const lane = unique("lane");
    const name = `farthing:{lane:${lane}}`;
    const fence = (await ledger.lanes.acquire(lane, "me", 0)) ?? 0;
    expect(await redis.pttl(name)).toBe(-1);
    const future = 8_000_000_000_000_000;
    await redis.hset(name, "fence", `${future}`);
    expect(await ledger.lanes.renew(lane, fence, LONG)).toBe(false);
    expect(await ledger.lanes.acquire(lane, "you", LONG)).toBe(future + 1);
  });

  test("groups of owners leave nothing behind", async () => {
    const group = unique("group");
    const name = `farthing:owners:{${group}}`;
    await ledger.lanes.announce(group, "a", 2 * LONG);
    await ledger.lanes.announce(group, "b", LONG);
    expect(await redis.pttl(name)).toBeGreaterThan(LONG);
    await ledger.lanes.announce(group, "a", 0);
    expect(await redis.pttl(name)).toBeLessThanOrEqual(LONG);
    expect(await redis.pttl(name)).toBeGreaterThan(0);
    await ledger.lanes.announce(group, "b", 0);
    expect(await redis.exists(name)).toBe(0);
  });

  test.each([
    ["a newer version", { version: "2" }, /version 2/],
    ["no version", { version: undefined }, /malformed/],
    ["no owner", { owner: undefined }, /malformed/],
    ["an odd fence", { fence: "x" }, /malformed/],
    ["an odd lease", { leaseUntilMs: "soon" }, /malformed/],
    ["no count", { recorded: undefined }, /malformed/],
  ])("with %s are not touched", async (_, damage, message) => {
    const lane = unique("lane");
    const name = `farthing:{lane:${lane}}`;
    const { lanes } = ledger;
    const fence = (await lanes.acquire(lane, "me", LONG)) ?? 0;
    await lanes.record(lane, fence, transactionOf());
    for (const [field, value] of Object.entries(damage)) {
      await (value === undefined ? redis.hdel(name, field) : redis.hset(name, field, value));
    }
    const before = await redis.hgetall(name);
    for (const asked of [
      lanes.acquire(lane, "me", LONG),
      lanes.renew(lane, fence, LONG),
      lanes.release(lane, fence),
      lanes.record(lane, fence, transactionOf()),
      lanes.open(lane),
      lanes.retire(lane, fence, []),
    ]) {
      await expect(asked).rejects.toMatchObject(unavailable(message));
    }
    expect(await redis.hgetall(name)).toEqual(before);
  });

  test.each([
    ["1 {", "no JSON"],
    ["x {}", "no count"],
    ["", "empty"],
    ['1 {"version":2,"hash":"0xa","raw":"0x","nonce":1,"members":[]}', "a newer version"],
    ['1 {"version":1,"hash":"0xb","raw":"0x","nonce":1,"members":[]}', "another hash"],
    ['1 {"version":1,"hash":"0xa","nonce":1,"members":[]}', "no transaction"],
    ['1 {"version":1,"hash":"0xa","raw":"0x","nonce":"1","members":[]}', "an odd nonce"],
    ['1 {"version":1,"hash":"0xa","raw":"0x","nonce":1,"members":[1]}', "odd members"],
  ])("are not opened when an entry is %j", async (entry) => {
    const lane = unique("lane");
    const fence = (await ledger.lanes.acquire(lane, "me", LONG)) ?? 0;
    await ledger.lanes.record(lane, fence, transactionOf());
    await redis.hset(`farthing:{lane:${lane}}`, "tx:0xa", entry);
    await expect(ledger.lanes.open(lane)).rejects.toMatchObject(unavailable(/malformed/));
  });
});

test("scripts come back after SCRIPT FLUSH", async () => {
  const { input, record } = await inState(ledger, "claimed");
  await ledger.renew(input.key, record.fence, LONG);
  await redis.script("FLUSH");
  const all = await Promise.all(
    Array.from({ length: 50 }, () => ledger.renew(input.key, record.fence, LONG)),
  );
  expect(all.every(Boolean)).toBe(true);
  await redis.script("FLUSH");
  const claims = await Promise.all(
    Array.from({ length: 50 }, () => ledger.claim(again({ ...input, key: "flushed" }))),
  );
  expect(claims.filter(({ status }) => status === "claimed")).toHaveLength(1);
});
