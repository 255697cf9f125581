import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import { redisClaims } from "../../src/ledger/redis-claims.ts";
import type { RedisClaimStore } from "../../src/ledger/redis-claims.ts";
import { redisLedger } from "../../src/ledger/redis.ts";
import { startRedis } from "../setup/redis.ts";
import type { TestRedis } from "../setup/redis.ts";
import { claimsContract } from "./claims-contract.ts";
import { bytesOf, claimed, newClaim, redisClaimsWorld, responseOf } from "./claims-world.ts";
import { claimOf, LONG, SHORT, unique } from "./world.ts";

let server: TestRedis;
let redis: Redis;
let store: RedisClaimStore;
beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  store = redisClaims(connectRedis(server.url), { leaseMs: LONG });
});
afterAll(async () => {
  await store.close();
  redis.disconnect();
  await server.stop();
});

claimsContract("redis claims", async () => redisClaimsWorld(server.url));

const unavailable = (message: RegExp) => ({
  code: "ledger_unavailable",
  message: expect.stringMatching(message),
});
const nameOf = (key: string) => `farthing:claim:{${key}}`;

describe("claims in Redis", () => {
  test("one hash a claim, one text an identifier, with hash tags and times to live, and nothing else", async () => {
    const shaped = redisClaims(connectRedis(server.url), { prefix: "shape" });
    expect(shaped.leaseMs).toBe(15_000);
    await shaped.check();
    await redis.del("shape:check");
    const token = (await shaped.claim("k", newClaim(), LONG)) ?? "";
    await shaped.identify("i", "k", LONG);
    const names = ["shape:claim:{k}", "shape:identifier:{i}"];
    expect((await redis.keys("shape*")).toSorted()).toEqual(names);
    await shaped.write("k", token, { response: responseOf({ body: bytesOf(256) }) });
    for (const name of names) {
      expect(await redis.pttl(name)).toBeGreaterThan(LONG - 10_000);
      expect(await redis.pttl(name)).toBeLessThanOrEqual(LONG);
    }
    const body = await redis.hgetBuffer("shape:claim:{k}", "responseBody");
    expect(body).toEqual(Buffer.from(bytesOf(256)));
    expect(await store.get("k")).toBeUndefined(); // another prefix
    await shaped.write("k", token, {}, { ttlMs: 2 * LONG });
    expect(await redis.pttl("shape:claim:{k}")).toBeGreaterThan(LONG);
    await shaped.forget("k", token);
    await redis.del("shape:identifier:{i}");
    expect(await redis.keys("shape*")).toEqual([]);
    await shaped.close();
  });

  test("a claim is kept for as long as it is held, and one that somebody persisted stays", async () => {
    const { key, token } = await claimed(store, {}, SHORT);
    expect(await redis.pttl(nameOf(key))).toBeGreaterThan(SHORT);
    await redis.pexpire(nameOf(key), SHORT);
    expect(await store.renew(key, token)).toBe(true);
    expect(await redis.pttl(nameOf(key))).toBeGreaterThan(LONG - 10_000);
    await store.write(key, token, {}, { letGo: true });
    await redis.pexpire(nameOf(key), 10 * SHORT);
    await store.resume(key);
    expect(await redis.pttl(nameOf(key))).toBeGreaterThan(LONG - 10_000);
    await redis.persist(nameOf(key));
    await store.renew(key, token);
    expect(await redis.pttl(nameOf(key))).toBe(-1);
  });

  test("mistakes in the options are refused", () => {
    expect(() => redisClaims(redis, { prefix: "a{b}" })).toThrow(TypeError);
    for (const leaseMs of [0, -1, 0.5, Number.NaN])
      expect(() => redisClaims(redis, { leaseMs })).toThrow(TypeError);
  });

  test("a field that is too long to be read again is not written", async () => {
    const { key, token, claim } = await claimed(store);
    const response = responseOf({ headers: { long: "x".repeat(1024 * 1024) } });
    await expect(store.write(key, token, { response })).rejects.toThrow(TypeError);
    expect(await store.get(key)).toEqual({ claim, held: true });
  });

  test("the ledger and the claims may share one client", async () => {
    const client = connectRedis(server.url);
    const [ledger, claims] = [redisLedger(client), redisClaims(client)];
    const { key } = claimOf();
    expect(await claims.claim(key, newClaim(), LONG)).toBeDefined();
    expect((await ledger.claim(claimOf({ key }))).status).toBe("claimed");
    expect(await claims.get(key)).toMatchObject({ held: true });
    await ledger.close();
    await expect(claims.get(key)).rejects.toMatchObject({ code: "ledger_unavailable" });
  });

  test("scripts come back after SCRIPT FLUSH", async () => {
    const { key, token } = await claimed(store);
    await redis.script("FLUSH");
    const write = async (runs: number) => await store.write(key, token, { runs });
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => write(i)));
    expect(all.every(Boolean)).toBe(true);
    expect((await store.get(key))?.claim.runs).toBe(19);
  });
});

describe("what is malformed or foreign", () => {
  test.each([
    ["a newer version", { version: "2" }, /version 2/],
    ["no version", { version: undefined }, /malformed/],
    ["an odd version", { version: "one" }, /malformed/],
    ["no state", { state: undefined }, /malformed/],
    ["an unknown state", { state: "done" }, /malformed/],
    ["no token", { token: undefined }, /malformed/],
    ["no hold", { heldUntilMs: undefined }, /malformed/],
    ["an odd hold", { heldUntilMs: "nan" }, /malformed/],
  ])("%s: nothing is read or changed", async (_, damage, message) => {
    const { key, token } = await claimed(store);
    for (const [field, value] of Object.entries(damage)) {
      await (value === undefined
        ? redis.hdel(nameOf(key), field)
        : redis.hset(nameOf(key), field, value));
    }
    const before = await redis.hgetall(nameOf(key));
    const refused = { ...unavailable(message), retry: "unsafe" };
    for (const ask of [
      () => store.get(key),
      () => store.claim(key, newClaim(), LONG),
      () => store.resume(key),
      () => store.write(key, token, { state: "served" }, { letGo: true }),
      () => store.renew(key, token),
      () => store.forget(key, token),
    ]) {
      await expect(ask()).rejects.toMatchObject(refused);
    }
    expect(await redis.hgetall(nameOf(key))).toEqual(before);
  });

  test.each<[string, string | Buffer | undefined]>([
    ["request", undefined],
    ["request", "no json"],
    ["request", "7"],
    ["presenter", undefined],
    ["body", '{"x402Version":2}'],
    ["body", "null"],
    ["body", '{"x402Version":2'],
    ["payer", "{}"],
    ["idempotencyKey", Buffer.from([0x22, 0xff, 0x22])],
    ["via", "[]"],
    ["runs", "-1"],
    ["runs", "1e999"],
    ["receipt", '{"success":"yes"}'],
    ["response", undefined],
    ["response", '{"status":200,"headers":{"a":1},"bytes":4}'],
    ["response", '{"status":200,"headers":{},"bytes":5}'],
    ["response", '{"status":200,"headers":{}}'],
    ["responseBody", undefined],
    ["responseBody", "longer"],
    ["delivered", '"no"'],
    ["request", `"${"x".repeat(4 * 1024 * 1024)}"`],
  ])("%s is %j: it is not read", async (field, value) => {
    const { key, token } = await claimed(store, { response: responseOf() });
    await store.write(key, token, {}, { letGo: true });
    await (value === undefined
      ? redis.hdel(nameOf(key), field)
      : redis.hset(nameOf(key), field, value));
    const refused = { ...unavailable(/malformed/), retry: "unsafe" };
    await expect(store.get(key)).rejects.toMatchObject(refused);
    await expect(store.resume(key)).rejects.toMatchObject(refused);
  });

  test("fields that nobody knows are left alone", async () => {
    const { key, token, claim } = await claimed(store);
    await redis.hset(nameOf(key), "note", "from elsewhere");
    expect(await store.get(key)).toStrictEqual({ claim, held: true });
    await store.write(key, token, { runs: 1 });
    expect(await redis.hget(nameOf(key), "note")).toBe("from elsewhere");
  });

  test("a key of another type, or a hash of something else, is refused", async () => {
    const [text, hash] = [unique("text"), unique("hash")];
    await redis.set(nameOf(text), "text");
    await redis.hset(nameOf(hash), "name", "value");
    for (const [key, message] of [
      [text, /WRONGTYPE/],
      [hash, /malformed/],
    ] as const) {
      await expect(store.claim(key, newClaim(), LONG)).rejects.toMatchObject(unavailable(message));
      await expect(store.get(key)).rejects.toMatchObject(unavailable(message));
    }
    expect(await redis.hgetall(nameOf(hash))).toEqual({ name: "value" });
  });

  test.each([
    ["2 key", /version 2/],
    ["key", /malformed/],
    ["1 ", /malformed/],
    ["", /malformed/],
  ])("an identifier that is bound to %j", async (value, message) => {
    const identifier = unique("identifier");
    await redis.set(`farthing:identifier:{${identifier}}`, value);
    const asked = store.identify(identifier, "key", LONG);
    await expect(asked).rejects.toMatchObject(unavailable(message));
  });
});
