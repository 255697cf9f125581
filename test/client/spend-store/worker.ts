/** A process that spends, for tests: `worker.cjs <options as JSON>`. Says each answer on a line of its own. */
import { writeSync } from "node:fs";
import { fileSpendStore } from "../../../src/client/file-spend-store.ts";
import { redisSpendStore } from "../../../src/client/redis-spend-store.ts";
import type { SpendLimit, SpendStore } from "../../../src/client/spend-store.ts";
import { connectRedis } from "../../../src/ledger/connect-redis.ts";
import { spendOf } from "./world.ts";

export interface WorkerOptions {
  readonly path?: string;
  readonly compactBytes?: number;
  readonly url?: string;
  readonly wallet?: string;
  /** `reserve`: so many at once. `hold`: one that is sent, one that is not, and then nothing. `work`: until it is killed. */
  readonly job: "reserve" | "hold" | "work";
  readonly count?: number;
  readonly limits: readonly SpendLimit[];
}

const options = JSON.parse(process.argv[2] ?? "") as WorkerOptions;
const say = (...words: readonly string[]): void => void writeSync(1, `${words.join(" ")}\n`);
let counter = 0;
const newSpend = (change: Parameters<typeof spendOf>[0] = {}) => {
  const nowMs = Date.now();
  const id = `${process.pid}-${nowMs}-${++counter}`;
  const times = { atMs: nowMs, expiresAtMs: nowMs + 600_000, leaseUntilMs: nowMs + 600_000 };
  return spendOf({ id, ...times, ...change });
};

void main();

async function main(): Promise<void> {
  const { path, compactBytes, url = "", wallet = "" } = options;
  const store: SpendStore =
    path === undefined
      ? redisSpendStore(connectRedis(url), { wallet })
      : fileSpendStore(path, compactBytes === undefined ? {} : { compactBytes });
  const { job, count = 0, limits } = options;
  if (job === "reserve") {
    const asked = Array.from(
      { length: count },
      async () => await store.reserve(newSpend(), limits),
    );
    const made = (await Promise.all(asked)).filter((refusal) => refusal === undefined);
    say("made", String(made.length));
    setInterval(() => undefined, 1_000); // what it has not sent would be released
  } else if (job === "hold") {
    const [sent, unsent] = [newSpend({ request: "GET held" }), newSpend({ request: "GET held" })];
    for (const spend of [sent, unsent]) await store.reserve(spend, limits);
    await store.update(sent.id, { state: "pending" });
    say("held", sent.id, unsent.id);
    setInterval(() => undefined, 1_000);
  } else {
    say("ready");
    await Promise.all(Array.from({ length: 3 }, async () => await work(store)));
  }
}

/** Says what it asks before it asks, and what came of it after. */
async function work(store: SpendStore): Promise<void> {
  for (let i = 0; ; i++) {
    const spend = newSpend();
    if ((await store.reserve(spend, options.limits)) !== undefined) {
      say("refused");
      continue;
    }
    say("reserved", spend.id);
    const state = i % 3 === 0 ? "paid" : i % 3 === 1 ? "released" : "pending";
    say("asking", spend.id, state);
    try {
      if (await store.update(spend.id, { state, payload: { signature: "0x".padEnd(600, "ab") } }))
        say("is", spend.id, state);
      else say("lost", spend.id);
    } catch {
      say("failed", spend.id);
    }
  }
}
