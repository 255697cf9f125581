import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { X402Error } from "../../src/core/errors.ts";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import { redisClaims } from "../../src/ledger/redis-claims.ts";
import type { RedisClaimStore } from "../../src/ledger/redis-claims.ts";
import { startRedis } from "../setup/redis.ts";
import type { TestRedis } from "../setup/redis.ts";
import { newClaim } from "./claims-world.ts";
import { startLossyProxy } from "./lossy-proxy.ts";
import { eventually, LONG, unique } from "./world.ts";

const UNAVAILABLE = { code: "ledger_unavailable" };
const stops: (() => Promise<void>)[] = [];
let server: TestRedis;
let admin: Redis;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  admin = new Redis(server.url);
  admin.on("error", () => undefined);
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  admin.disconnect();
});

function open(url = server.url): RedisClaimStore {
  const store = redisClaims(connectRedis(url));
  stops.push(() => store.close());
  return store;
}

/** Every operation, with the retry that its error must carry when it certainly was not sent. */
function everyOperation(store: RedisClaimStore): [string, () => unknown][] {
  return [
    ["safe", () => store.claim(unique("payment"), newClaim(), LONG)],
    ["unsafe", () => store.get("k")],
    ["unsafe", () => store.resume("k")],
    ["unsafe", () => store.write("k", "t", { runs: 1 })],
    ["unsafe", () => store.renew("k", "t")],
    ["unsafe", () => store.forget("k", "t")],
    ["unsafe", () => store.identify("i", "k", LONG)],
    ["safe", () => store.check()],
  ];
}

async function expectAllFail(store: RedisClaimStore, mayHaveArrived = false): Promise<void> {
  const started = performance.now();
  const all = everyOperation(store).map(async ([unsent, ask], i) => {
    const retry = mayHaveArrived && i === 0 ? "unsafe" : unsent;
    await expect(ask()).rejects.toMatchObject({ ...UNAVAILABLE, retry });
  });
  await Promise.all(all);
  expect(performance.now() - started).toBeLessThan(4_000);
}

describe("Redis is down", () => {
  test("every operation fails in bounded time, and works again when it is back", async () => {
    const [used, fresh] = [open(), open()];
    await used.check();
    await server.kill();
    await sleep(50); // until the client has noticed
    await Promise.all([expectAllFail(used), expectAllFail(fresh)]);
    await server.restart();
    for (const store of [used, fresh]) {
      await eventually(() => store.check());
      expect(await store.claim(unique("payment"), newClaim(), LONG)).toBeDefined();
    }
  });

  test("so does every operation while it does not answer", async () => {
    const [used, fresh] = [open(), open()];
    await used.check();
    await fresh.check();
    server.pause();
    try {
      await Promise.all([expectAllFail(used, true), expectAllFail(open())]);
    } finally {
      server.resume();
    }
    await eventually(() => used.check());
  });

  test("a claim whose answer is lost is unsafe, and held until its lease ends", async () => {
    const proxy = await startLossyProxy(server.port);
    stops.push(() => proxy.stop());
    const store = open(proxy.url);
    await store.check();
    const key = unique("payment");
    proxy.loseReplyTo(key);
    const claim = store.claim(key, newClaim(), LONG);
    await expect(claim).rejects.toMatchObject({ ...UNAVAILABLE, retry: "unsafe" });
    expect(await open().get(key)).toMatchObject({ held: true });
    expect(await store.claim(key, newClaim(), LONG)).toBeUndefined();
  });

  test("closed, it refuses everything", async () => {
    const store = open();
    await store.check();
    await store.close();
    await store.close();
    await expectAllFail(store);
  });
});

describe("a Redis that may evict claims", () => {
  test("is refused, for as long as it may and whether somebody checks or not", async () => {
    await admin.config("SET", "maxmemory", "100mb");
    await admin.config("SET", "maxmemory-policy", "allkeys-lru");
    const [store, checked] = [open(), open()];
    const keys = await admin.dbsize();
    const evicts = { ...UNAVAILABLE, message: expect.stringMatching(/allkeys-lru/) };
    for (const [retry, ask] of everyOperation(store))
      await expect(ask()).rejects.toMatchObject({ ...evicts, retry });
    await expect(checked.check()).rejects.toMatchObject(evicts);
    expect(await admin.dbsize()).toBe(keys);
    await admin.config("SET", "maxmemory-policy", "noeviction");
    expect(await store.claim(unique("payment"), newClaim(), LONG)).toBeDefined();
    await checked.check();
    await admin.config("SET", "maxmemory-policy", "volatile-ttl");
    await expect(checked.check()).rejects.toMatchObject(UNAVAILABLE); // asks every time
    await admin.config("SET", "maxmemory", "0");
    await checked.check();
  });

  test("is asked once, not with every operation", async () => {
    const store = open();
    const before = await calls();
    await Promise.all(everyOperation(store).map(([, ask]) => ask()));
    await Promise.all(
      everyOperation(store)
        .slice(0, -1)
        .map(([, ask]) => ask()),
    );
    expect(await calls()).toBeLessThanOrEqual(before + 2);
  });

  test("one that takes no writes fails closed", async () => {
    const store = open();
    await store.check();
    await admin.config("SET", "maxmemory-policy", "noeviction");
    await admin.config("SET", "maxmemory", "1");
    const claim = store.claim(unique("payment"), newClaim(), LONG);
    const full = { ...UNAVAILABLE, message: expect.stringMatching(/OOM/) };
    await expect(claim).rejects.toMatchObject(full);
    await expect(store.check()).rejects.toMatchObject(full);
    await admin.config("SET", "maxmemory", "0");
  });

  async function calls(): Promise<number> {
    const info = await admin.info("commandstats");
    return Number(/cmdstat_ping:calls=(\d+)/.exec(info)?.[1] ?? 0);
  }
});

test("no error tells the URL, the password, the key or the payment", async () => {
  const errors: unknown[] = [];
  const claim = newClaim({ request: "secret-request", idempotencyKey: "secret-name" });
  const collect = async (url: string): Promise<void> => {
    const store = open(url);
    for (const ask of [() => store.claim("secret-key", claim, LONG), () => store.check()])
      await Promise.resolve(ask()).catch((error: unknown) => errors.push(error));
  };
  await collect(`redis://user:secret-word@127.0.0.1:${server.port}`);
  await admin.acl("SETUSER", "default", "-hset");
  await collect(server.url);
  await admin.acl("SETUSER", "default", "+hset");
  expect(errors).toHaveLength(4);
  for (const error of errors) {
    expect(error).toBeInstanceOf(X402Error);
    const { message, stack, cause } = error as X402Error;
    expect(cause).toBeUndefined();
    for (const secret of ["secret", "127.0.0.1", String(server.port)])
      expect(`${message} ${stack}`).not.toContain(secret);
  }
});
