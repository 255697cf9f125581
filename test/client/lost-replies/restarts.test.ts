/** A buyer is killed at every step of a call, and started again with the same request. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../../fault/storm.ts";
import { LONG } from "../../fault/world.ts";
import { startRedis, type TestRedis } from "../../setup/redis.ts";
import { bundleProgram, startScript, type Script } from "../../setup/script.ts";
import type { BuyerConfig, Outcome } from "./buyer.ts";
import { CENT, contentOf, pathOf, payeeOf, startLostWorld, type LostWorld } from "./world.ts";

const LEASE_MS = 1000;
const SIZE = 300;
const SEED = Number(process.env["FAULT_SEED"] ?? Date.now() % 1_000_000);

let world: LostWorld;
let redis: TestRedis;
let program: string;
let folder: string;
let runs = 0;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "farthing-buyer-"));
  [world, redis, program] = await Promise.all([
    startLostWorld(),
    startRedis(),
    bundleProgram(new URL("buyer.ts", import.meta.url)),
  ]);
}, 60_000);
afterAll(async () => {
  await world.stop();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Setting {
  readonly kind: "file" | "redis";
  readonly agent: string | undefined;
  readonly settle: "before" | "after";
  readonly stream: boolean;
}

const SETTINGS: readonly Setting[] = (["file", "redis"] as const).flatMap((kind) =>
  [undefined, "a"].flatMap((agent) =>
    (["before", "after"] as const).flatMap((settle) =>
      [true, false].map((stream) => ({ kind, agent, settle, stream })),
    ),
  ),
);

/** A buyer of one thing, with a store of its own. */
function newBuyer({ kind, agent, settle, stream }: Setting) {
  const run = `k${SEED}x${runs++}`;
  const body = settle === "before" ? `order ${run}` : undefined;
  const path = pathOf({ identifier: stream, settle, stream, size: SIZE }, run);
  const base: BuyerConfig = {
    store: kind === "file" ? { file: join(folder, run) } : { redis: redis.url, wallet: run },
    leaseMs: LEASE_MS,
    ...(agent !== undefined && { agent }),
    key: world.chain.accounts.payer.privateKey,
    url: `http://127.0.0.1:${world.port}${path}`,
    ...(body !== undefined && { body }),
    timeoutMs: 3000,
  };
  const start = (change: Partial<BuyerConfig> = {}) =>
    startScript(program, { BUYER: JSON.stringify({ ...base, ...change }) });
  return {
    run,
    start,
    content: contentOf(run, SIZE, Buffer.from(body ?? "")),
    debits: async () => (await world.debits()).get(payeeOf(run)) ?? [],
  };
}

async function outcomeOf(script: Script): Promise<Outcome | undefined> {
  await script.ended;
  const line = script
    .output()
    .split("\n")
    .find((each) => each.startsWith("outcome "));
  return line === undefined ? undefined : (JSON.parse(line.slice(8)) as Outcome);
}

const stepsOf = (script: Script): string[] =>
  script
    .output()
    .split("\n")
    .flatMap((line) => (line.startsWith("step ") ? [line.slice(5)] : []));

const contentIn = (outcome: Outcome | undefined) =>
  outcome?.delivered === undefined
    ? outcome
    : new Uint8Array(Buffer.from(outcome.delivered, "base64"));

/** Steps up to the last at which the caller certainly has not got the content, and nothing says that it has. */
const CALL = [
  "before unpaid request 1",
  "after unpaid head 1",
  "before take 1",
  "before reserve 1",
  "after reserve 1",
  "before signature 1",
  "after signature 1",
  "before pending 1",
  "after pending 1",
  "before paid request 1",
  "during paid request 1",
  "after paid head 1",
];
const OF_STREAMS = ["before answered 1", "after answered 1"];
/** What is settled after the handler is held back until then, and has a length. */
const STEPS = ({ stream, settle }: Setting) => [
  ...CALL,
  ...(stream && settle === "before" ? OF_STREAMS : []),
  "chunk 1",
  "chunk 2",
  "last chunk 1",
  "before paid 1",
];

/** Long: each step with each setting. */
const kills = SETTINGS.flatMap((setting) =>
  STEPS(setting).map((killAt) => ({ ...setting, killAt })),
).filter((_, index) => LONG || index % 14 === 0);

describe("a buyer", () => {
  test.each(SETTINGS.filter((_, index) => LONG || index % 7 === 0))(
    "that is not killed takes these steps: $kind, agent $agent, $settle, stream $stream",
    async (setting) => {
      const buyer = newBuyer(setting);
      const script = await buyer.start();
      expect(contentIn(await outcomeOf(script))).toEqual(buyer.content);
      expect(stepsOf(script)).toEqual(expect.arrayContaining(STEPS(setting).slice(0, -4)));
      expect(await buyer.debits()).toHaveLength(1);
    },
  );

  test.concurrent.each(kills)(
    "killed $killAt: $kind, agent $agent, settled $settle, stream $stream",
    async ({ killAt, ...setting }) => {
      const buyer = newBuyer(setting);
      const killed = await buyer.start({ killAt });
      const first = await outcomeOf(killed);
      // It may have been through before it came to that step.
      if (first !== undefined) return expect(["chunk 2"]).toContain(killAt);
      expect(await killed.ended).toBe("SIGKILL");
      const outcome = await outcomeOf(await buyer.start());
      expect(contentIn(outcome)).toEqual(buyer.content);
      expect(await buyer.debits()).toEqual([BigInt(CENT)]);
      // What was reserved and not signed is given back; where its owner cannot be known to be gone, after its lease.
      expect([CENT, ...(setting.kind === "redis" ? [2 * CENT] : [])]).toContain(outcome?.counted);
      expect(outcome?.states.filter((state) => /^(pending|answered)$/.test(state))).toEqual([]);
      return undefined;
    },
  );
});

describe("moments by chance", () => {
  const random = createRandom(SEED);
  const moments = Array.from({ length: LONG ? 120 : 5 }, () => ({
    ...random.pick(SETTINGS),
    times: random.int(1, 3),
    ms: random.int(0, 250),
  }));
  test.concurrent.each(moments)(
    `killed $times times after $ms ms (FAULT_SEED=${SEED}): $kind, agent $agent, settled $settle, stream $stream`,
    async ({ times, ms, ...setting }) => {
      const buyer = newBuyer(setting);
      for (let time = 0; time < times; time++) {
        const killed = await buyer.start();
        await sleep(ms);
        await killed.kill();
        const done = stepsOf(killed).some((step) =>
          /^(before|after) (paid|delivered) \d/.test(step),
        );
        // Whether its caller had the content, nobody can say any more.
        if (done) return;
      }
      expect(contentIn(await outcomeOf(await buyer.start()))).toEqual(buyer.content);
      expect(await buyer.debits()).toEqual([BigInt(CENT)]);
    },
  );
});

describe("two processes with the same request", () => {
  test.concurrent.each(
    SETTINGS.filter(({ agent }, index) => agent === undefined && (LONG || index % 5 === 0)),
  )("at once: each gets what it pays for: $kind, $settle, stream $stream", async (setting) => {
    const buyer = newBuyer(setting);
    const outcomes = await Promise.all(
      (await Promise.all([buyer.start(), buyer.start()])).map(outcomeOf),
    );
    for (const outcome of outcomes) expect(contentIn(outcome)).toEqual(buyer.content);
    expect((await buyer.debits()).length).toBeLessThanOrEqual(2);
    const signed = new Set(outcomes.flatMap((outcome) => outcome?.nonces ?? []));
    expect(await buyer.debits()).toHaveLength(signed.size);
  });

  test.concurrent.each(
    SETTINGS.filter(({ agent }, index) => agent === undefined && (LONG || index % 5 === 0)),
  )(
    "of which one dies: the other finishes its payment: $kind, $settle, stream $stream",
    async (setting) => {
      const buyer = newBuyer(setting);
      const killed = await buyer.start({ killAt: "after paid head 1" });
      await killed.ended;
      const outcomes = await Promise.all(
        (await Promise.all([buyer.start(), buyer.start()])).map(outcomeOf),
      );
      for (const outcome of outcomes) expect(contentIn(outcome)).toEqual(buyer.content);
      const signed = new Set(outcomes.flatMap((outcome) => outcome?.nonces ?? []));
      expect(signed.size).toBeLessThanOrEqual(1);
      expect(await buyer.debits()).toHaveLength(1 + signed.size);
    },
  );
});
