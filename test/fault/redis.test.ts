/** The ledger goes away under load: nothing is paid twice, nobody is told anything wrong, and it goes on afterwards. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi, type TestContext } from "vitest";
import { startRedis } from "../setup/redis.ts";
import { startRedisPair } from "../setup/redis-pair.ts";
import { violations } from "./oracles.ts";
import {
  ask,
  askUntilFinal,
  newPayment,
  newSigners,
  startLocalWorld,
  startReplica,
  stopReplicas,
  type LocalWorld,
  type Payment,
  type Replica,
} from "./world.ts";

vi.setConfig({ testTimeout: 90_000 });

const PAYMENTS = 60;
const LOAD_MS = 4000;

let world: LocalWorld;

beforeAll(async () => {
  world = await startLocalWorld({ blockTimeSeconds: 0.2 });
});
afterAll(() => world.stop());

/** Ends what a test has started, however the test ends. */
type Finish = TestContext["onTestFinished"];

/** Two replicas under load, to which something happens after a second; gives what was violated in the end. */
async function underLoad(finish: Finish, redisUrl: string, happen: () => Promise<void>) {
  const signers = await newSigners(world, 2);
  const config = {
    redisUrl,
    signerKeys: signers.map(({ privateKey }) => privateKey),
    settleTimeoutMs: 5000,
    chain: { network: world.network, rpcUrls: [world.rpcUrl], resendAfterMs: 1000 },
  };
  const replicas: Replica[] = [];
  finish(() => stopReplicas(replicas));
  for (let i = 0; i < 2; i++) replicas.push(await startReplica(config));
  const payments = await Promise.all(
    Array.from({ length: PAYMENTS }, (_, index) =>
      newPayment(world, index % 2 === 0 ? `order-${index}` : undefined),
    ),
  );
  const fault = sleep(LOAD_MS / 4).then(happen);
  await Promise.all(
    payments.map(async (payment, index) => {
      await sleep((index * LOAD_MS) / PAYMENTS);
      await ask(replicas[index % 2]!.url, payment);
    }),
  );
  await fault;
  const refused = payments.filter(({ answers }) => answers[0]?.status === 503).length;
  const url = () => replicas[Math.random() < 0.5 ? 0 : 1]!.url;
  // Who has been told is a stranger from now on, and asks no more.
  const untold = payments.filter(({ answers }) => answers.at(-1)?.body.success !== true);
  await Promise.all(untold.map((payment) => askUntilFinal(url, payment, 20_000)));
  const evidence = {
    world,
    payments,
    signers: signers.map(({ address }) => address),
    logs: replicas.map((replica) => replica.output()),
    secrets: [redisUrl, world.rpcUrl, ...config.signerKeys],
  };
  return { payments, refused, found: await violations(evidence), replicas };
}

/** Anonymous payments that were answered with success do not get another one from anybody. */
async function toldAgain(urls: readonly string[], payments: readonly Payment[]) {
  const told = payments.filter(
    ({ key, answers }) => key === undefined && answers.some(({ body }) => body.success),
  );
  const again = await Promise.all(told.map((each, index) => ask(urls[index % 2]!, each)));
  return again.filter(({ body }) => body.success === true).length;
}

test.concurrent("Redis is killed and restarted, and had everything on disk", async ({
  onTestFinished: finish,
}) => {
  const redis = await startRedis({ persistence: "aof" });
  finish(() => redis.stop());
  const { payments, found, replicas, refused } = await underLoad(finish, redis.url, async () => {
    await redis.kill();
    await sleep(2500);
    await redis.restart();
  });
  expect(found).toEqual([]);
  expect(refused).toBeGreaterThan(0);
  expect(
    await toldAgain(
      replicas.map(({ url }) => url),
      payments,
    ),
  ).toBe(0);
});

/**
 * A ledger that has forgotten a payment cannot know its claimant again, nor tell whether success was handed out: a use
 * before the new claim is refused to everybody (O3 does not hold). All else does.
 */
const exceptO3 = (found: readonly string[]) => found.filter((line) => !line.includes(": O3:"));

test.concurrent("Redis is killed and restarted, and has forgotten everything", async ({
  onTestFinished: finish,
}) => {
  const redis = await startRedis();
  finish(() => redis.stop());
  const { found } = await underLoad(finish, redis.url, async () => {
    await redis.kill();
    await sleep(700);
    await redis.restart();
  });
  expect(exceptO3(found)).toEqual([]);
});

test.concurrent("what was settled before Redis forgot it is not told to whoever copies it from the chain", async ({
  onTestFinished: finish,
}) => {
  const redis = await startRedis();
  finish(() => redis.stop());
  const signers = await newSigners(world, 1);
  const replica = await startReplica({
    redisUrl: redis.url,
    signerKeys: signers.map(({ privateKey }) => privateKey),
    chain: { network: world.network, rpcUrls: [world.rpcUrl] },
  });
  finish(() => stopReplicas([replica]));
  const payment = await newPayment(world, "order");
  expect((await ask(replica.url, payment)).body).toMatchObject({ success: true });
  await redis.restart();
  await sleep(3000);
  for (const stranger of ["somebody else", undefined]) {
    expect((await ask(replica.url, payment, stranger)).body.success).not.toBe(true);
  }
  expect(await world.transfersTo(payment.payTo)).toHaveLength(1);
});

test.concurrent("Redis is silent for 5 s", async ({ onTestFinished: finish }) => {
  const redis = await startRedis();
  finish(() => redis.stop());
  const { payments, found, replicas, refused } = await underLoad(finish, redis.url, async () => {
    redis.pause();
    await sleep(5000);
    redis.resume();
  });
  expect(found).toEqual([]);
  expect(refused).toBeGreaterThan(0);
  expect(
    await toldAgain(
      replicas.map(({ url }) => url),
      payments,
    ),
  ).toBe(0);
});

test.concurrent("the primary dies and its replica, which has everything, takes over", async ({
  onTestFinished: finish,
}) => {
  const pair = await startRedisPair();
  finish(() => pair.stop());
  const { payments, found, replicas } = await underLoad(finish, pair.url, async () => {
    await pair.synced();
    await pair.failover();
  });
  expect(found).toEqual([]);
  expect(
    await toldAgain(
      replicas.map(({ url }) => url),
      payments,
    ),
  ).toBe(0);
});

test.concurrent("the primary dies with a second of writes that its replica has not got", async ({
  onTestFinished: finish,
}) => {
  const pair = await startRedisPair();
  finish(() => pair.stop());
  const { found } = await underLoad(finish, pair.url, async () => {
    await pair.split();
    await sleep(1000);
    await pair.failover();
  });
  expect(exceptO3(found)).toEqual([]);
});
