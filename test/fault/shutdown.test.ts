import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { startRedis } from "../setup/redis.ts";
import { violations } from "./oracles.ts";
import {
  ask,
  newPayment,
  newSigners,
  startLocalWorld,
  startReplica,
  stopReplicas,
  type Replica,
} from "./world.ts";

test("replicas are ended with SIGTERM and replaced, one after the other, under load: nobody notices", async () => {
  const world = await startLocalWorld({ blockTimeSeconds: 0.2 });
  const redis = await startRedis();
  const signers = await newSigners(world, 2);
  const config = {
    redisUrl: redis.url,
    signerKeys: signers.map(({ privateKey }) => privateKey),
    chain: { network: world.network, rpcUrls: [world.rpcUrl] },
  };
  const all: Replica[] = [];
  const start = async (): Promise<Replica> => {
    const replica = await startReplica(config);
    all.push(replica);
    return replica;
  };
  const serving = [await start(), await start()];
  try {
    const payments = await Promise.all(
      Array.from({ length: 80 }, (_, index) => newPayment(world, `order-${index}`)),
    );
    const loaded = Promise.all(
      payments.map(async (payment, index) => {
        await sleep(index * 50);
        await ask(serving[index % 2]!.url, payment);
      }),
    );
    for (const slot of [0, 1]) {
      await sleep(1000);
      const leaving = serving[slot]!;
      serving[slot] = await start();
      leaving.signal("SIGTERM");
      expect(await leaving.ended).toBe(0);
    }
    await loaded;
    expect(payments.filter(({ answers }) => answers[0]?.body.success !== true)).toEqual([]);
    for (const replica of serving) replica.signal("SIGTERM");
    expect(await Promise.all(serving.map((replica) => replica.ended))).toEqual([0, 0]);
    const client = new Redis(redis.url);
    const lanes = await client.keys("farthing:{lane:*");
    expect(lanes).toHaveLength(2);
    for (const lane of lanes) expect(await client.hget(lane, "owner")).toBe("");
    client.disconnect();
    const found = await violations({
      world,
      payments,
      signers: signers.map(({ address }) => address),
      logs: all.map((replica) => replica.output()),
      secrets: [...config.signerKeys, redis.url, world.rpcUrl],
    });
    expect(found).toEqual([]);
  } finally {
    await stopReplicas(all);
    await redis.stop();
    await world.stop();
  }
});
