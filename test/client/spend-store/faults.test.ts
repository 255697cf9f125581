import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { io } from "../../../src/client/file-generation.ts";
import { fileSpendStore } from "../../../src/client/file-spend-store.ts";
import { redisSpendStore } from "../../../src/client/redis-spend-store.ts";
import type { SpendStore } from "../../../src/client/spend-store.ts";
import { connectRedis } from "../../../src/ledger/connect-redis.ts";
import { startRedis } from "../../setup/redis.ts";
import type { TestRedis } from "../../setup/redis.ts";
import { clock, dollar, newFolder, spendOf } from "./world.ts";

let server: TestRedis;
const { folder, remove } = newFolder();
beforeAll(async () => void (server = await startRedis()));
afterAll(async () => {
  await server.stop();
  remove();
});

/** A store, and a fault: what is asked meanwhile is done, and its answer is lost. */
type Faulty = { store: SpendStore; lose: <T>(ask: () => Promise<T>) => Promise<T> };

const faulty: Record<string, () => Faulty> = {
  "a file": () => ({
    store: fileSpendStore(join(folder, "spend.jsonl")),
    lose: async (ask) => {
      const { fdatasync } = io;
      io.fdatasync = async () => {
        throw Object.assign(new Error("EIO: i/o error"), { code: "EIO" });
      };
      return await ask().finally(() => (io.fdatasync = fdatasync));
    },
  }),
  Redis: () => {
    const redis = connectRedis(server.url);
    const commands = redis as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    return {
      store: redisSpendStore(redis, { now: () => clock.ms }),
      lose: async (ask) => {
        const names = ["reserveSpend", "updateSpend", "takeSpend"].map(
          (op) => `farthingLedger_${op}`,
        );
        const originals = names.map((name) => commands[name]);
        for (const [i, name] of names.entries())
          commands[name] = async (...args) => {
            await originals[i]?.apply(redis, args);
            throw new Error("Command timed out");
          };
        return await ask().finally(() => {
          for (const [i, name] of names.entries()) commands[name] = originals[i] as never;
        });
      },
    };
  },
};

test.each(Object.keys(faulty))("%s whose answers are lost", async (name) => {
  const { store, lose } = (faulty[name] as () => Faulty)();
  const unavailable = { code: "ledger_unavailable", name: "X402Error" };
  const spend = spendOf({ request: "GET lost" });
  const limits = [dollar({ max: 400_000 })];
  const reserved = lose(async () => await store.reserve(spend, limits));
  await expect(reserved).rejects.toMatchObject({ ...unavailable, retry: "safe" });
  expect(await store.reserve(spendOf(), limits)).toMatchObject({ spent: 300_000 }); // counts until the lease is over
  const updated = lose(
    async () => await store.update(spend.id, { state: "pending", leaseUntilMs: 0 }),
  );
  await expect(updated).rejects.toMatchObject({ ...unavailable, retry: "unsafe" });
  const take = async (owner: string) =>
    await store.take("GET lost", owner, { nowMs: clock.ms, takeover: false });
  await expect(lose(async () => await take("bob"))).rejects.toMatchObject(unavailable);
  // Bob holds it and was not told: asked again, he is, and makes no second payment.
  expect(await take("bob")).toMatchObject({ spend: { id: spend.id, owner: "bob" } });
  expect(await take("bob")).toBeUndefined();
  await store.close?.();
});

test("a Redis that is not there", async () => {
  const store = redisSpendStore(connectRedis("redis://127.0.0.1:1"), { connectionWaitMs: 50 });
  const refused = { code: "ledger_unavailable", retry: "safe" };
  await expect(store.reserve(spendOf(), [])).rejects.toMatchObject(refused);
  await expect(store.check()).rejects.toMatchObject(refused);
  await store.close();
});

test("a Redis that may evict is refused; a wallet has its keys in one slot, and none but its own", async () => {
  const redis = connectRedis(server.url);
  const store = redisSpendStore(redis, { prefix: "shape", wallet: "w" });
  await store.reserve(spendOf({ request: "GET a" }), [], { name: "a", value: "b" });
  const keys = await redis.keys("shape*");
  expect(keys.length).toBe(15);
  expect(keys.every((key) => key.startsWith("shape:spend:{w}:"))).toBe(true);
  await redis.config("SET", "maxmemory-policy", "allkeys-lru");
  await redis.config("SET", "maxmemory", "100mb");
  await expect(store.check()).rejects.toThrow(/noeviction/);
  await redis.config("SET", "maxmemory-policy", "noeviction");
  await store.check();
  for (const options of [{ wallet: "" }, { wallet: "{" }, { prefix: "}" }, { leaseMs: 0 }])
    expect(() => redisSpendStore(redis, options)).toThrow(TypeError);
  await redis.hset("shape:spend:{w}:totals", "version", "2");
  await expect(store.list()).rejects.toThrow(/version 2/);
  await store.close();
});

test("final payments are forgotten by Redis after their days; sums are not", async () => {
  const redis = connectRedis(server.url);
  const store = redisSpendStore(redis, { wallet: "old", historyDays: 1, now: () => clock.ms });
  const [paid, open, rejected] = [
    spendOf({ request: "GET a" }),
    spendOf(),
    spendOf({ request: "GET b" }),
  ];
  for (const spend of [paid, open, rejected]) await store.reserve(spend, []);
  await store.update(paid.id, { state: "paid" });
  await store.update(open.id, { state: "pending" });
  await store.update(rejected.id, { state: "rejected" });
  clock.ms += 86_400_000 + 300_001;
  const last = spendOf();
  await store.reserve(last, []);
  expect((await store.list()).map(({ id }) => id)).toEqual([last.id, open.id]);
  expect(await store.spent("total", "USD", clock.ms)).toBe(4 * 300_000);
  expect(await redis.exists("farthing:spend:{old}:requests")).toBe(0);
  // What never got an answer is over a day after its time.
  clock.ms = open.expiresAtMs + 2 * 86_400_000 + 1;
  await store.reserve(spendOf(), []);
  expect((await store.list()).map(({ id }) => id)).not.toContain(open.id);
  expect(await store.spent("total", "USD", clock.ms)).toBe(4 * 300_000); // the last one was never sent
  await store.close();
});
