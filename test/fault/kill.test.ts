import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Step } from "../../facilitator/settlement/options.ts";
import type { Hex } from "../../src/core/scheme.ts";
import { startRedis, type TestRedis } from "../setup/redis.ts";
import { violations } from "./oracles.ts";
import type { ReplicaConfig } from "./replica.ts";
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

const STEPS: readonly Step[] = [
  "claimed",
  "simulated",
  "signed",
  "recorded",
  "marked",
  "broadcast",
  "mined",
  "concluded",
  "handed_out",
];
const DEADLINE_MS = 10_000;

// Most of a case is waiting for leases to run out.
vi.setConfig({ maxConcurrency: 28, testTimeout: 60_000 });

let world: LocalWorld;
let redis: TestRedis;
const replicas: Replica[] = [];
let database = 0;

beforeAll(async () => {
  world = await startLocalWorld();
  redis = await startRedis({ args: ["--databases", "200"] });
});
afterAll(async () => {
  await stopReplicas(replicas);
  await redis.stop();
  await world.stop();
});

/** A ledger and a signer for one case. */
async function ownConfig(): Promise<ReplicaConfig & { readonly signer: Hex }> {
  const [signer] = await newSigners(world, 1);
  return {
    redisUrl: `${redis.url}/${database++}`,
    signer: signer!.address,
    signerKeys: [signer!.privateKey],
    chain: { network: world.network, rpcUrls: [world.rpcUrl] },
  };
}

async function start(config: ReplicaConfig): Promise<Replica> {
  const replica = await startReplica(config);
  replicas.push(replica);
  return replica;
}

/** Has a replica die at a step with these payments under way, starts another, and asks again. */
async function killAndAsk(payments: readonly Payment[], kill: Partial<ReplicaConfig>) {
  const config = await ownConfig();
  const first = await start({ ...config, ...kill, gather: payments.length });
  await Promise.all(payments.map((payment) => ask(first.url, payment)));
  expect(await first.ended).toBe("SIGKILL");
  expect(payments.some(({ answers }) => answers[0]?.status === 0)).toBe(true);

  const second = await start(config);
  const startMs = Date.now();
  await Promise.all(
    payments
      .filter(({ answers }) => answers[0]?.status === 0)
      .map((payment) => askUntilFinal(() => second.url, payment, DEADLINE_MS)),
  );
  expect(Date.now() - startMs).toBeLessThan(DEADLINE_MS);
  const sent = await world.client.getTransactionCount({ address: config.signer });
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThanOrEqual(payments.length);
  return second;
}

/** One transfer, and its payer knows of it. */
async function expectPaid(payment: Payment): Promise<void> {
  const transfers = await world.transfersTo(payment.payTo);
  expect(transfers).toHaveLength(1);
  expect(transfers[0]).toMatchObject({ value: payment.amount });
  expect(payment.answers.at(-1)?.body).toMatchObject({
    success: true,
    transaction: transfers[0]!.transactionHash,
  });
}

describe.concurrent.each(STEPS)("killed at %s", (killAt) => {
  test("a named payment is paid once and its claimant told, as often as it asks", async () => {
    const payment = await newPayment(world, "order-1");
    const second = await killAndAsk([payment], { killAt });
    await expectPaid(payment);
    await ask(second.url, payment);
    await expectPaid(payment);
    const stranger = await ask(second.url, payment, "stranger");
    expect(stranger.body.errorReason).toBe("duplicate_settlement");
    await stopReplicas([second]);
  });

  test("an anonymous payment is paid once, and success told no more than once", async () => {
    const payment = await newPayment(world);
    const second = await killAndAsk([payment], { killAt });
    if (killAt === "handed_out") {
      // Given to a caller that the answer did not reach: nobody can tell this one from a stranger.
      expect(payment.answers.at(-1)?.body.errorReason).toBe("duplicate_settlement");
      expect(await world.transfersTo(payment.payTo)).toHaveLength(1);
    } else {
      await expectPaid(payment);
    }
    expect((await ask(second.url, payment)).body.errorReason).toBe("duplicate_settlement");
    await stopReplicas([second]);
  });

  test("a batch is paid once, each payment of it", async () => {
    const names = ["order-a", "order-b", undefined, undefined];
    const payments = await Promise.all(names.map((name) => newPayment(world, name)));
    const kill = { killAt, ...(killAt === "handed_out" && { killNth: 2 }) };
    const second = await killAndAsk(payments, kill);
    const config = { signers: [], secrets: [redis.url, world.rpcUrl], logs: [second.output()] };
    expect(await violations({ world, payments, ...config })).toEqual([]);
    await stopReplicas([second]);
  });
});

const TWICE: readonly (readonly [Step, Step])[] = LONG
  ? STEPS.flatMap((first) => STEPS.map((second) => [first, second] as const))
  : [["marked", "concluded"]];

describe.concurrent.each(TWICE)("killed at %s, and its successor at %s", (firstAt, secondAt) => {
  test("a named payment is paid once and its claimant told", async () => {
    const payment = await newPayment(world, "order-1");
    const config = await ownConfig();
    const first = await start({ ...config, killAt: firstAt });
    await ask(first.url, payment);
    expect(await first.ended).toBe("SIGKILL");
    const second = await start({ ...config, killAt: secondAt });
    // It comes to that step again only if the first has not got so far.
    await askUntilFinal(() => second.url, payment, DEADLINE_MS);
    await stopReplicas([second]);
    const third = await start(config);
    await askUntilFinal(() => third.url, payment, DEADLINE_MS);
    await expectPaid(payment);
    await stopReplicas([third]);
  });
});
