import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { X402Error } from "../../src/core/errors.ts";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { redisLedger } from "../../src/ledger/redis.ts";
import { startRedis } from "../setup/redis.ts";
import type { TestRedis } from "../setup/redis.ts";
import { claimOf } from "./world.ts";

const UNAVAILABLE = { code: "ledger_unavailable" };
const stops: (() => Promise<void>)[] = [];
let server: TestRedis;

beforeEach(async () => {
  server = await startRedis();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await server.stop();
});

function open(url: string): Ledger {
  const ledger = redisLedger(connectRedis(url));
  stops.push(() => ledger.close());
  return ledger;
}

describe("check", () => {
  const checked =
    (args: string[], change?: (redis: Redis) => Promise<unknown>) => async (): Promise<void> => {
      const other = await startRedis({ args });
      stops.push(() => other.stop());
      if (change !== undefined) {
        const admin = new Redis(other.url);
        await change(admin);
        admin.disconnect();
      }
      await open(other.url).check();
    };
  const forbid = (rules: string) => (redis: Redis) =>
    redis.acl("SETUSER", "default", ...rules.split(" "));

  test.each([
    [
      "eviction",
      ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"],
      undefined,
      /allkeys-lru/,
    ],
    [
      "eviction of expiring keys",
      ["--maxmemory", "100mb", "--maxmemory-policy", "volatile-ttl"],
      undefined,
      /volatile/,
    ],
    [
      "eviction, by INFO",
      ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lfu"],
      forbid("-config"),
      /lfu/,
    ],
    ["not being able to tell", [], forbid("-config -info"), /cannot tell/],
    ["scripts forbidden", [], forbid("-eval -evalsha"), /NOPERM/],
    ["a replica", ["--replicaof", "127.0.0.1 1"], undefined, /READONLY|connection|time/],
    ["a full server", ["--maxmemory", "1", "--maxmemory-policy", "noeviction"], undefined, /OOM/],
    ["a missing password", ["--requirepass", "secret"], undefined, /connection|NOAUTH/],
  ])("refuses %s", async (_, args, change, message) => {
    await expect(checked(args, change)()).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringMatching(message),
    });
  });

  test.each([
    [
      "noeviction with a limit",
      ["--maxmemory", "100mb", "--maxmemory-policy", "noeviction"],
      undefined,
    ],
    [
      "no limit, whatever the policy",
      ["--maxmemory", "0", "--maxmemory-policy", "allkeys-lru"],
      undefined,
    ],
    ["CONFIG forbidden, INFO fine", ["--maxmemory", "100mb"], forbid("-config")],
    ["CONFIG renamed away", ["--rename-command", "CONFIG", "CONFIG_hidden"], undefined],
  ])("accepts %s", async (_, args, change) => {
    await expect(checked(args, change)()).resolves.toBeUndefined();
  });

  test("asks every time", async () => {
    const ledger = open(server.url);
    const admin = new Redis(server.url);
    stops.push(async () => admin.disconnect());
    await ledger.check();
    await admin.config("SET", "maxmemory-policy", "allkeys-lru");
    await admin.config("SET", "maxmemory", "100mb");
    await expect(ledger.check()).rejects.toMatchObject(UNAVAILABLE);
    await admin.config("SET", "maxmemory", "0");
    await ledger.check();
  });
});

describe("secrets", () => {
  test("no error tells the URL, the password, the claimant or the payment", async () => {
    const secrets = [
      "pass-phrase",
      "claimant-key",
      "signed-payment",
      String(server.port),
      "127.0.0.1",
    ];
    const errors: unknown[] = [];
    const collect = async (url: string): Promise<void> => {
      const ledger = open(url);
      await ledger
        .claim(claimOf({ claimant: "claimant-key", payment: "signed-payment" }))
        .catch((e) => errors.push(e));
      await ledger.check().catch((e) => errors.push(e));
    };
    await collect(`redis://user:pass-phrase@127.0.0.1:${server.port}`);
    const admin = new Redis(server.url);
    await admin.acl("SETUSER", "default", "-hset");
    admin.disconnect();
    await collect(server.url);
    await server.kill();
    await collect(`redis://:pass-phrase@127.0.0.1:${server.port}`);
    expect(errors).toHaveLength(6);
    for (const error of errors) {
      expect(error).toBeInstanceOf(X402Error);
      const { message, stack, cause } = error as X402Error;
      expect(cause).toBeUndefined();
      for (const secret of secrets) expect(`${message} ${stack}`).not.toContain(secret);
    }
  });
});
