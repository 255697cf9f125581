/** Many payments, each asked for several times, while replicas die, nodes fail and blocks are reorganized away. */
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { startRpcProxy } from "../../src/testing/index.ts";
import { startRedis } from "../setup/redis.ts";
import { eventually } from "./engine.ts";
import { violations } from "./oracles.ts";
import type { ReplicaConfig } from "./replica.ts";
import { createRandom, createRpcStorm, RPC_TIMEOUT_MS, type Random } from "./storm.ts";
import {
  ask,
  askUntilFinal,
  LONG,
  newPayment,
  newSigners,
  startLocalWorld,
  startReplica,
  stopReplicas,
  type LocalWorld,
  type Payment,
  type Replica,
} from "./world.ts";

/** By number of signers. */
const PAYMENTS: Record<number, number> = LONG ? { 3: 2000, 1: 2000 } : { 3: 200, 1: 50 };
const REPLICAS = 3;
/** Payments a second. */
const RATE = 25;
const REORG_MS = 2000;
const SEED = Number(process.env["FAULT_SEED"] ?? Date.now() % 1_000_000);

/** Replicas that die and come back until they are spared. */
async function keepReplicas(config: ReplicaConfig, random: Random) {
  const all: Replica[] = [];
  const start = async (): Promise<Replica> => {
    const replica = await startReplica(config);
    all.push(replica);
    return replica;
  };
  const slots = await Promise.all(Array.from({ length: REPLICAS }, start));
  let kills = 0;
  const over = new AbortController();
  const reaper = (async () => {
    for (;;) {
      await sleep(random.int(500, 2500));
      if (over.signal.aborted) return;
      const slot = random.int(0, REPLICAS - 1);
      await stopReplicas([slots[slot]!]);
      kills += 1;
      await sleep(random.int(0, 600));
      slots[slot] = await start();
    }
  })();
  return {
    url: () => random.pick(slots).url,
    slots,
    logs: () => all.map((replica) => replica.output()),
    async spare() {
      over.abort();
      await reaper;
      return kills;
    },
  };
}

/** Reorganizes the chain again and again until it is told to stop, which tells how often it did. */
function keepReorganizing(world: LocalWorld, random: Random) {
  const over = new AbortController();
  const done = (async () => {
    for (let count = 0; ; count++) {
      await sleep(REORG_MS);
      if (over.signal.aborted) return count;
      await world.reorg(random.int(1, 3));
    }
  })();
  done.catch(() => undefined); // whoever stops it is told
  return async (): Promise<number> => {
    over.abort();
    return await done;
  };
}

/** Asks for a payment from one to five times, of whoever is picked, over some seconds. */
async function send(payment: Payment, url: () => string, random: Random, startMs: number) {
  const times = Array.from({ length: random.int(1, 5) }, () => startMs + random.int(0, 3000));
  await Promise.all(
    times.map(async (ms) => {
      await sleep(ms);
      await ask(url(), payment);
    }),
  );
}

/** Some at a time: this measures how the replicas recover, not how they bear a flood. */
async function eachOf(payments: readonly Payment[], work: (payment: Payment) => Promise<unknown>) {
  const waiting = [...payments];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: 50 }, worker));
}

/** Records without an end, and transactions that are still in a lane's log. */
async function leftovers(redis: Redis): Promise<string[]> {
  const keys = await redis.keys("farthing:*");
  const left: string[] = [];
  for (const key of keys) {
    if (key.includes(":settlement:")) {
      const state = await redis.hget(key, "state");
      if (state !== "confirmed") left.push(`${key} is ${state}`);
    } else if (key.includes("{lane:")) {
      const fields = await redis.hkeys(key);
      left.push(...fields.filter((field) => field.startsWith("tx:")));
    }
  }
  return left;
}

const storms = LONG ? describe : describe.concurrent;

storms.each([3, 1])("a storm over 3 replicas and %i signers", (signerCount) => {
  test(
    "every payment is paid once, and nothing is stuck",
    { timeout: LONG ? 400_000 : 90_000 },
    async () => {
      console.log(`storm: FAULT_SEED=${SEED}`);
      const random = createRandom(SEED + signerCount);
      const world = await startLocalWorld();
      const redis = await startRedis();
      const storm = createRpcStorm(random, 0.05);
      const proxy = await startRpcProxy(world.rpcUrl, { intercept: storm.intercept });
      const signers = await newSigners(world, signerCount);
      const client = new Redis(redis.url);
      const payers = Array.from({ length: 10 }, () => world.newAccount());
      await Promise.all(payers.map(({ address }) => world.fundToken(address, 100_000_000n)));
      await world.setBlockTime(0.2);
      const replicas = await keepReplicas(
        {
          redisUrl: redis.url,
          signerKeys: signers.map(({ privateKey }) => privateKey),
          settleTimeoutMs: 5000,
          chain: {
            network: world.network,
            rpcUrls: [proxy.url],
            timeoutMs: RPC_TIMEOUT_MS,
            resendAfterMs: 1000,
            replaceAfterMs: 4000,
            reorgDepth: 5,
          },
        },
        random,
      );
      await world.mine(3); // what was paid out must not be reorganized away
      const stopReorganizing = keepReorganizing(world, random);
      try {
        const payments = await Promise.all(
          Array.from({ length: PAYMENTS[signerCount]! }, (_, index) =>
            newPayment(
              world,
              random.next() < 0.5 ? `order-${index}` : undefined,
              random.pick(payers),
            ),
          ),
        );
        await Promise.all(
          payments.map((payment, index) =>
            send(payment, replicas.url, random, (index * 1000) / RATE),
          ),
        );
        const kills = await replicas.spare();
        const reorgs = await stopReorganizing();
        storm.endStorm();
        const calmMs = Date.now();
        await eachOf(payments, (payment) => askUntilFinal(replicas.url, payment, 30_000));
        console.log(
          `storm: ${kills} kills, ${reorgs} reorganizations, faults ${JSON.stringify(storm.counts)}, calm after ${Date.now() - calmMs} ms`,
        );
        const found = await violations({
          world,
          payments,
          signers: signers.map(({ address }) => address),
          logs: replicas.logs(),
          secrets: [
            ...signers.map(({ privateKey }) => privateKey),
            new URL(proxy.url).host,
            new URL(redis.url).host,
          ],
        });
        expect(found.slice(0, 20)).toEqual([]);
        await eventually(
          "an end of everything in the ledger",
          async () => (await leftovers(client)).length === 0,
          15_000,
        );
      } finally {
        await Promise.allSettled([stopReorganizing()]);
        await replicas.spare();
        await stopReplicas(replicas.slots);
        client.disconnect();
        await proxy.stop();
        await redis.stop();
        await world.stop();
      }
    },
  );
});
