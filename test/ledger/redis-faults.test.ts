import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { redisLedger } from "../../src/ledger/redis.ts";
import { startRedis } from "../setup/redis.ts";
import type { TestRedis } from "../setup/redis.ts";
import { startLossyProxy } from "./lossy-proxy.ts";
import { again, claimOf, eventually, holdOf, inState, LONG, transactionOf } from "./world.ts";

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

/** Every operation, with the retry that its error must carry when it certainly was not sent. */
function everyOperation(ledger: Ledger): [string, () => Promise<unknown>][] {
  return [
    ["safe", () => ledger.claim(claimOf())],
    ["unsafe", () => ledger.advance("k", { fence: 1, to: "signed" })],
    ["unsafe", () => ledger.renew("k", 1, 1)],
    ["unsafe", () => ledger.release("k", 1)],
    ["unsafe", () => ledger.handOut("k", "", "h", "t")],
    ["safe", () => ledger.get("k")],
    ["safe", () => ledger.index("t", ["k"], 1)],
    ["safe", () => ledger.paymentsOf("t")],
    ["safe", () => ledger.hold(holdOf())],
    ["safe", () => ledger.unhold("a", "h")],
    ["safe", () => ledger.lanes.announce("g", "o", 1)],
    ["safe", () => ledger.lanes.acquire("l", "o", 1)],
    ["unsafe", () => ledger.lanes.renew("l", 1, 1)],
    ["unsafe", () => ledger.lanes.release("l", 1)],
    ["unsafe", () => ledger.lanes.record("l", 1, transactionOf())],
    ["safe", () => ledger.lanes.open("l")],
    ["unsafe", () => ledger.lanes.retire("l", 1, [])],
    ["safe", () => ledger.check()],
  ];
}

describe("Redis is down", () => {
  test("every operation fails within 3 s, and works again after a restart", async () => {
    const ledger = open(server.url);
    await ledger.check();
    await server.kill();
    await sleep(100); // until the client has noticed
    const started = performance.now();
    await Promise.all(
      everyOperation(ledger).map(([retry, ask]) =>
        expect(ask()).rejects.toMatchObject({ ...UNAVAILABLE, retry }),
      ),
    );
    expect(performance.now() - started).toBeLessThan(3_000);
    await server.restart();
    const input = claimOf();
    expect((await ledger.claim(input)).status).toBe("claimed"); // waits for the connection by itself
    await expect(ledger.check()).resolves.toBeUndefined();
  });

  test("it was never there: nothing crashes, and it may come later", async () => {
    await server.kill();
    const ledger = open(server.url);
    await expect(ledger.claim(claimOf())).rejects.toMatchObject({ ...UNAVAILABLE, retry: "safe" });
    await expect(ledger.check()).rejects.toMatchObject(UNAVAILABLE);
    await server.restart();
    await expect(ledger.check()).resolves.toBeUndefined();
  });

  test("closing does not wait for it, and ends the trying", async () => {
    const redis = connectRedis(server.url);
    const ledger = redisLedger(redis);
    await ledger.check();
    await server.kill();
    await ledger.claim(claimOf()).catch(() => undefined);
    await ledger.close();
    await server.restart();
    await sleep(700);
    expect(redis.status).not.toBe("ready");
    await expect(ledger.claim(claimOf())).rejects.toMatchObject({ ...UNAVAILABLE, retry: "safe" });
  });

  test("what failed before it was sent does not happen later", async () => {
    const ledger = open(server.url);
    await ledger.check();
    await server.kill();
    await sleep(100);
    const input = claimOf();
    await expect(ledger.claim(input)).rejects.toMatchObject({ retry: "safe" });
    await server.restart();
    await ledger.check();
    await sleep(100);
    expect(await ledger.get(input.key)).toBeUndefined();
  });
});

describe("Redis does not answer", () => {
  test("every operation fails within 3 s, unsafe if it changes something", async () => {
    const ledger = open(server.url);
    await ledger.check();
    server.pause();
    const started = performance.now();
    const all = everyOperation(ledger).map(async ([unsent, ask], i) => {
      const retry = i === 0 ? "unsafe" : unsent; // the claim may have arrived
      await expect(ask()).rejects.toMatchObject({ ...UNAVAILABLE, retry });
    });
    await Promise.all(all);
    expect(performance.now() - started).toBeLessThan(3_000);
    await sleep(3_000); // the silent connection was given up in the meantime
    await expect(ledger.claim(claimOf())).rejects.toMatchObject(UNAVAILABLE);
    server.resume();
    const back = await eventually(() => ledger.check());
    expect(back).toBeLessThan(3_000);
  }, 15_000);
});

describe("the reply is lost", () => {
  test("nothing is run twice, and the caller hears of it at once", async () => {
    const proxy = await startLossyProxy(server.port);
    stops.push(() => proxy.stop());
    const ledger = open(proxy.url);
    const direct = open(server.url);
    const counter = new Redis(server.url);
    stops.push(async () => counter.disconnect());
    const calls = async (): Promise<number> => {
      const info = await counter.info("commandstats");
      return [...info.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce(
        (sum, match) => sum + Number(match[1]),
        0,
      );
    };

    const lose = async (marker: string, operation: () => Promise<unknown>): Promise<void> => {
      await ledger.get("warm-up");
      const before = await calls();
      proxy.loseReplyTo(marker);
      const started = performance.now();
      await expect(operation()).rejects.toMatchObject({ ...UNAVAILABLE, retry: "unsafe" });
      expect(performance.now() - started).toBeLessThan(1_000);
      await ledger.get("after"); // by the new connection
      await sleep(50);
      expect(await calls()).toBe(before + 2);
    };

    const input = claimOf({ claimant: "" });
    const { key } = input;
    await lose(key, () => ledger.claim(input));
    expect((await ledger.claim(again(input))).status).toBe("held"); // by the call whose reply was lost
    const { status, record } = await ledger.claim(input);
    expect(status).toBe("claimed");
    const { fence } = record;
    await lose(key, () => ledger.renew(key, fence, 2 * LONG));
    const signed = { fence, to: "signed", transaction: "0x1" } as const;
    await lose(key, () => ledger.advance(key, signed));
    const after = await direct.get(key);
    expect(after).toMatchObject({ state: "signed", fence, transaction: "0x1" });
    expect(await ledger.advance(key, signed)).toBe(true);
    expect(await direct.get(key)).toStrictEqual(after);
    await direct.advance(key, { fence, to: "confirmed" });
    await lose(key, () => ledger.handOut(key, "", "hash-1", "one"));
    expect(await ledger.handOut(key, "", "hash-1", "another")).toBe(false);
    expect(await ledger.handOut(key, "", "hash-1", "one")).toBe(true);

    const hold = holdOf({ amount: 6n });
    const loseSafely = async (marker: string, operation: () => Promise<unknown>) => {
      proxy.loseReplyTo(marker);
      await expect(operation()).rejects.toMatchObject({ ...UNAVAILABLE, retry: "safe" });
    };
    await loseSafely(hold.id, () => ledger.hold(hold));
    expect(await ledger.hold(hold)).toBe(true);
    await loseSafely("the-owner", () => ledger.lanes.acquire("lane", "the-owner", LONG));
    const owned = (await ledger.lanes.acquire("lane", "the-owner", LONG)) ?? 0;
    expect(owned).toBeGreaterThan(0);
    const transaction = transactionOf();
    await lose(transaction.hash, () => ledger.lanes.record("lane", owned, transaction));
    expect(await ledger.lanes.record("lane", owned, transaction)).toBe(true);
    expect(await direct.lanes.open("lane")).toStrictEqual([transaction]);

    const other = await inState(direct, "claimed");
    await lose(other.input.key, () => ledger.release(other.input.key, other.record.fence));
    // Asking again cannot release what somebody else has claimed in the meantime.
    expect((await direct.claim(again(other.input))).status).toBe("claimed");
    expect(await ledger.release(other.input.key, other.record.fence)).toBe(false);
  });
});

describe("connections break at random", () => {
  test("no payment has two owners, and an owner who was told so keeps it", async () => {
    const proxies = await Promise.all([startLossyProxy(server.port), startLossyProxy(server.port)]);
    const replicas = proxies.map((proxy) => open(proxy.url));
    stops.push(...proxies.map((proxy) => () => proxy.stop()));
    const breaking = setInterval(() => proxies[Math.floor(Math.random() * 2)]?.breakAll(), 15);
    const inputs = Array.from({ length: 300 }, () => claimOf());
    const owned = new Map<string, number[]>();
    const failed: unknown[] = [];
    try {
      for (let i = 0; i < inputs.length; i += 10) {
        const contenders = inputs
          .slice(i, i + 10)
          .flatMap((input) => Array.from({ length: 6 }, () => input));
        await Promise.all(
          contenders.map(async (input, j) => {
            const call = again(input);
            try {
              const claim = await replicas[j % 2]?.claim(call);
              if (claim?.status !== "claimed") return;
              owned.set(input.key, [...(owned.get(input.key) ?? []), claim.record.fence]);
            } catch (error) {
              failed.push(error);
            }
          }),
        );
        await sleep(Math.random() * 10);
      }
    } finally {
      clearInterval(breaking);
    }
    expect(failed.length).toBeGreaterThan(0);
    for (const error of failed) expect(error).toMatchObject(UNAVAILABLE);
    expect(owned.size).toBeGreaterThan(0);
    const direct = open(server.url);
    for (const [key, fences] of owned) {
      expect(fences).toHaveLength(1);
      expect(await direct.get(key)).toMatchObject({ state: "claimed", fence: fences[0] });
    }
  });
});
