/** Two replicas that both believe they own a lane. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Step } from "../../facilitator/settlement/options.ts";
import { startRedis, type TestRedis } from "../setup/redis.ts";
import { eventually } from "./engine.ts";
import type { ReplicaConfig } from "./replica.ts";
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

vi.setConfig({ maxConcurrency: 9, testTimeout: 60_000 });

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

let world: LocalWorld;
let redis: TestRedis;
const replicas: Replica[] = [];
let database = 0;

beforeAll(async () => {
  world = await startLocalWorld();
  redis = await startRedis({ args: ["--databases", "100"] });
});
afterAll(async () => {
  await stopReplicas(replicas);
  await redis.stop();
  await world.stop();
});

async function ownConfig(signerCount: number): Promise<ReplicaConfig> {
  const signers = await newSigners(world, signerCount);
  return {
    redisUrl: `${redis.url}/${database++}`,
    signerKeys: signers.map(({ privateKey }) => privateKey),
    chain: { network: world.network, rpcUrls: [world.rpcUrl] },
  };
}

async function start(config: ReplicaConfig): Promise<Replica> {
  const replica = await startReplica(config);
  replicas.push(replica);
  return replica;
}

/** One transfer, and every final answer that was given names it. */
async function expectPaid(payment: Payment): Promise<void> {
  const transfers = await world.transfersTo(payment.payTo);
  expect(transfers).toHaveLength(1);
  const told = payment.answers.filter(({ body }) => body.success === true);
  expect(told.length).toBeGreaterThan(0);
  for (const { body } of told) expect(body.transaction).toBe(transfers[0]?.transactionHash);
}

describe.concurrent.each(STEPS)("halted at %s for longer than its lease", (stopAt) => {
  test("another takes its lane and pays; awake again it does no harm, and works on", async () => {
    const config = await ownConfig(1);
    const halted = await start({ ...config, stopAt });
    const payment = await newPayment(world, "order");
    const answer = ask(halted.url, payment);
    await eventually(
      () => `the halt of: ${halted.output()}`,
      () => halted.lines().some(({ type }) => type === "step"),
    );

    const other = await start(config);
    expect((await askUntilFinal(() => other.url, payment, 15_000)).body).toMatchObject({
      success: true,
    });
    const meanwhile = await newPayment(world, "meanwhile");
    const early = ask(other.url, meanwhile);
    await eventually("the other's lane", () =>
      other.lines().some(({ type }) => type === "lane_acquired"),
    );
    halted.signal("SIGCONT");

    // Whatever the one that lost the lane does now takes nothing back that its claimant was told.
    const awakeMs = Date.now();
    expect((await answer).body).toMatchObject({ success: true });
    while (Date.now() < awakeMs + 2000) {
      expect((await ask(other.url, payment)).body).toMatchObject({ success: true });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(Date.now() - awakeMs).toBeLessThan(5000);
    await expectPaid(payment);
    expect((await early).body).toMatchObject({ success: true });
    await expectPaid(meanwhile);
    other.signal("SIGTERM");
    const later = await newPayment(world, "later");
    await ask(halted.url, later);
    await expectPaid(later);
    await stopReplicas([halted, other]);
  });
});

test("replicas share two signers, and one takes over both when the other is halted", async () => {
  const config = await ownConfig(2);
  const [a, b] = [await start(config), await start(config)];
  const acquired = (replica: Replica) =>
    replica.lines().filter(({ type }) => type === "lane_acquired").length;
  await eventually("a lane each", () => acquired(a) >= 1 && acquired(b) >= 1);
  a.signal("SIGSTOP");
  await eventually("both lanes", () => acquired(b) >= 2, 15_000);
  const payments = await Promise.all(["a", "b", "c"].map((name) => newPayment(world, name)));
  await Promise.all(payments.map((payment) => ask(b.url, payment)));
  a.signal("SIGCONT");
  const more = await Promise.all(["d", "e", "f"].map((name) => newPayment(world, name)));
  await Promise.all(more.map((payment) => ask(a.url, payment)));
  for (const payment of [...payments, ...more]) await expectPaid(payment);
});
