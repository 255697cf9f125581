import { appendFileSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fileSpendStore } from "../../../src/client/file-spend-store.ts";
import type { Spend, SpendStore } from "../../../src/client/spend-store.ts";
import { startRedis } from "../../setup/redis.ts";
import type { TestRedis } from "../../setup/redis.ts";
import { buildWorker, startWorker } from "./processes.ts";
import type { Worker } from "./processes.ts";
import { clock, dollar, memoryWorld, newFolder, spendOf, unique } from "./world.ts";

const { folder, remove } = newFolder();
let server: TestRedis;
let script: string;
beforeAll(async () => {
  [server, script] = await Promise.all([startRedis(), buildWorker(folder)]);
});
afterAll(async () => {
  await server.stop();
  remove();
});
beforeEach(() => void (clock.ms = Date.now()));

const newPath = (): string => join(folder, unique("wallet"), "spend.jsonl");

describe("100 payments of 30 cents at once, and a dollar", () => {
  const limits = [dollar(), dollar({ windowSeconds: 86_400 })];

  test("within one process: 3 are made", async () => {
    const { store } = await memoryWorld();
    const asked = Array.from({ length: 100 }, async () => await store.reserve(spendOf(), limits));
    expect((await Promise.all(asked)).filter((refusal) => !refusal)).toHaveLength(3);
  });

  const inFour = async (how: object): Promise<number> => {
    const workers = Array.from({ length: 4 }, () =>
      startWorker(script, { job: "reserve", count: 25, limits, ...how }),
    );
    const made = await Promise.all(
      workers.map(async ({ said }) => Number((await said("made"))[1])),
    );
    await Promise.all(workers.map(async ({ kill }) => await kill()));
    return made.reduce((sum, number) => sum + number, 0);
  };

  test.each([undefined, 1_000])(
    "in 4 processes that share a file, replaced from %s bytes on: 3 are made",
    async (compactBytes) => {
      expect(await inFour({ path: newPath(), ...(compactBytes && { compactBytes }) })).toBe(3);
    },
  );

  test("in 4 processes that share a Redis: 3 are made", async () => {
    expect(await inFour({ url: server.url, wallet: unique("wallet") })).toBe(3);
  });
});

describe("processes that are killed", () => {
  test("while they write, and files are replaced: what was answered is so, sums are right, no limit is exceeded", async () => {
    const path = newPath();
    const limits = [dollar({ max: 90_000_000 })];
    const options = { path, compactBytes: 60_000, job: "work", limits } as const;
    const all: Worker[] = [];
    const start = (): Worker => {
      const worker = startWorker(script, options);
      all.push(worker);
      return worker;
    };
    const until = Date.now() + 2_000;
    await Promise.all(
      Array.from({ length: 3 }, async () => {
        while (Date.now() < until) {
          const worker = start();
          await worker.said("ready");
          await sleep(50 + Math.random() * 250);
          await worker.kill();
        }
      }),
    );
    await checkBook(path, all, 90_000_000);
    expect(
      readdirSync(join(path, "..")).filter((name) => /\.[0-9]+$/.test(name)).length,
    ).toBeLessThan(4);
    expect(all.length).toBeGreaterThan(6);
  }, 30_000);

  test("a payment of one that has ended is taken at once, and what it did not send is released", async () => {
    const path = newPath();
    const worker = startWorker(script, { path, job: "hold", limits: [] });
    const [, sent, unsent] = await worker.said("held");
    const store = fileSpendStore(path);
    const take = async () =>
      await store.take("GET held", "bob", { nowMs: Date.now(), takeover: false });
    const spend = spendOf({ leaseUntilMs: Date.now() + 60_000 });
    expect(await take()).toMatchObject({ heldUntilMs: expect.any(Number) });
    expect(await store.reserve(spend, [dollar({ max: 800_000 })])).toMatchObject({
      spent: 600_000,
    });
    await worker.kill();
    expect(await take()).toMatchObject({ spend: { id: sent, owner: "bob" } });
    expect(await take()).toBeUndefined(); // bob is at it
    expect(await store.reserve(spend, [dollar({ max: 800_000 })])).toBeUndefined();
    expect(await store.list({ states: ["released"] })).toMatchObject([{ id: unsent }]);
    await store.close();
  });
});

describe("files", () => {
  test("what a process has left of a line spoils nothing but itself", async () => {
    const path = newPath();
    const [one, two] = [fileSpendStore(path), fileSpendStore(path)];
    const reserve = async (store: SpendStore) => {
      expect(await store.reserve(spendOf(), [dollar()])).toBeUndefined();
    };
    await reserve(one);
    const line = readFileSync(`${path}.1`, "utf8").split("\n").at(-2) ?? "";
    const copy = line.replaceAll(/spend-[0-9-]+/g, "another");
    appendFileSync(`${path}.1`, `\n${copy.slice(0, -9)}`);
    await reserve(two);
    appendFileSync(`${path}.1`, `\n${"\0".repeat(100)}`);
    await reserve(one);
    appendFileSync(
      `${path}.1`,
      `\n{}\nnull\n[1]\n"text"\n{"token":1}\n{"token":"a","operation":{}}\n`,
    );
    expect(await two.reserve(spendOf(), [dollar()])).toMatchObject({ spent: 900_000 });
    appendFileSync(`${path}.1`, `\n${copy.replace("300000,", "1,")}`); // whole, but for the end of the line
    expect(await two.spent("total", "USD", clock.ms)).toBe(900_000);
    expect(await one.reserve(spendOf(), [dollar({ max: 1_200_001 })])).toBeUndefined();
    for (const store of [one, two, fileSpendStore(path)]) {
      expect(await store.spent("total", "USD", clock.ms)).toBe(1_200_001);
      expect((await store.list()).map(({ value }) => value)).toEqual([3e5, 1, 3e5, 3e5, 3e5]);
      await store.close?.();
    }
  });

  test("are for their user alone, and are replaced by shorter ones; what they came to stays", async () => {
    const path = newPath();
    const store = fileSpendStore(path, { compactBytes: 20_000 });
    const slow = fileSpendStore(path);
    const open = spendOf({ request: "GET open", leaseUntilMs: 0 });
    await slow.reserve(open, [], { name: "pin", value: "0x1" });
    await slow.update(open.id, { state: "pending", headers: { "x-payment": "e30=" } });
    for (let i = 0; i < 300; i++) {
      const spend = spendOf();
      await store.reserve(spend, [dollar({ max: 1e9 })]);
      await store.update(spend.id, { state: "paid" });
    }
    const names = readdirSync(join(path, "..")).toSorted();
    expect(names).toHaveLength(3);
    expect(names.every((name) => statSync(join(path, "..", name)).mode % 0o1000 === 0o600)).toBe(
      true,
    );
    expect(statSync(join(path, "..")).mode % 0o1000).toBe(0o700);
    const taken = await slow.take("GET open", "bob", { nowMs: clock.ms, takeover: false });
    expect(taken).toMatchObject({ spend: { headers: { "x-payment": "e30=" } } });
    expect(await slow.reserve(spendOf(), [], { name: "pin", value: "0x2" })).toEqual({
      pinned: "0x1",
    });
    expect(await slow.spent("total", "USD", clock.ms, 86_400)).toBe(301 * 300_000);
    expect(await slow.list({ limit: 1_000 })).toHaveLength(301);
    await Promise.all([store.close(), slow.close()]);
  });

  test("links to the same file mean the same payments", async () => {
    const path = newPath();
    const store = fileSpendStore(path);
    await store.reserve(spendOf(), []);
    const { symlinkSync } = await import("node:fs");
    const link = join(folder, unique("link"));
    symlinkSync(path, link);
    const other = fileSpendStore(link);
    expect(await other.spent("total", "USD", clock.ms)).toBe(300_000);
    await Promise.all([store.close(), other.close()]);
  });

  test("that cannot be used are said, and what to do", async () => {
    const foreign = join(folder, unique("foreign"));
    appendFileSync(foreign, "hello\n");
    const newer = join(folder, unique("newer"));
    appendFileSync(newer, '{"farthing":"spend store","version":2}\n');
    const empty = join(folder, unique("empty"));
    appendFileSync(empty, "");
    const bare = join(folder, unique("bare"));
    appendFileSync(bare, '{"farthing":"spend store","version":1}\n');
    for (const [path, fix] of [
      [foreign, "not a spend store: give"],
      [empty, "not a spend store: give"],
      [newer, "another version of farthing"],
      [bare, `bring it back, or remove ${bare}`],
      [folder, "it is a folder: give"],
      [join(foreign, "below"), "no folder: give"],
    ] as const) {
      const store = fileSpendStore(path);
      await expect(store.reserve(spendOf(), [])).rejects.toMatchObject({
        code: "ledger_unavailable",
        retry: "safe",
        message: expect.stringContaining(path),
      });
      await expect(store.list()).rejects.toThrow(fix);
    }
    expect(readFileSync(foreign, "utf8")).toBe("hello\n");
    for (const [path, options] of [
      ["", {}],
      ["a", { leaseMs: 0 }],
      ["a", { compactBytes: 0.5 }],
    ] as const)
      expect(() => fileSpendStore(path, options)).toThrow(TypeError);
  });
});

/** Holds what processes were told against what is in the files. */
async function checkBook(path: string, workers: readonly Worker[], max: number): Promise<void> {
  const stores = [fileSpendStore(path), fileSpendStore(path)];
  const lists: Spend[][] = [];
  for (const store of stores) lists.push(await store.list({ limit: 100_000 }));
  expect(lists[0]).toEqual(lists[1]);
  const found = new Map((lists[0] as Spend[]).map((spend) => [spend.id, spend.state]));
  expect(found.size).toBe(lists[0]?.length); // none is there twice
  const told = workers.flatMap(({ lines }) => lines());
  expect(told.length).toBeGreaterThan(200);
  const asked = new Map(told.filter(([word]) => word === "asking").map(([, id, to]) => [id, to]));
  for (const [word, id = "", state = ""] of told) {
    expect(["lost", "failed"]).not.toContain(word);
    if (word === "reserved") expect(found.get(id), id).toBeDefined();
    if (word === "is") expect(found.get(id), id).toBe(state);
  }
  // What was not answered has happened or not; in the end it is released, since its process has ended.
  for (const [id, state] of found)
    expect(["reserved", "released", asked.get(id)], id).toContain(state);
  const counted = [...found.values()].filter((state) => state !== "released").length * 300_000;
  for (const store of stores) {
    for (const seconds of [undefined, 600, 86_400])
      expect(await store.spent("total", "USD", Date.now(), seconds)).toBe(counted);
    await store.close?.();
  }
  expect(counted).toBeLessThanOrEqual(max);
}
