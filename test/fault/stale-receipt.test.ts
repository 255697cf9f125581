/** A replica that reads a receipt, is halted for longer than its lease, and writes down what the chain has taken back since. */
import { erc20Abi, parseEther, parseGwei } from "viem";
import { expect, onTestFinished, test, vi } from "vitest";
import { startRedis } from "../setup/redis.ts";
import { eventually, spendNonce } from "./engine.ts";
import type { ReplicaConfig, ReplicaLine } from "./replica.ts";
import {
  ask,
  askUntilFinal,
  newPayment,
  newSigners,
  startLocalWorld,
  startReplica,
  stopReplicas,
  type Payment,
  type Replica,
} from "./world.ts";

vi.setConfig({ testTimeout: 60_000 });

/** A chain without blocks but those that the test mines, and replicas with one signer. */
async function startSite(finish: typeof onTestFinished) {
  const world = await startLocalWorld();
  finish(() => world.stop());
  const redis = await startRedis();
  finish(() => redis.stop());
  const [signer] = await newSigners(world, 1);
  const payer = world.newAccount();
  await world.fundToken(payer.address, 10_000n);
  await world.fundEther(payer.address, parseEther("1"));
  const payment = await newPayment(world, "order", payer);
  await world.setAutomine(false);
  await world.mine(3);
  const replicas: Replica[] = [];
  finish(() => stopReplicas(replicas));
  const start = async (options: Partial<ReplicaConfig>) => {
    const replica = await startReplica({
      redisUrl: redis.url,
      signerKeys: [signer!.privateKey],
      settleTimeoutMs: 4000,
      chain: {
        network: world.network,
        rpcUrls: [world.rpcUrl],
        resendAfterMs: 300,
        replaceAfterMs: 1500,
      },
      ...options,
    });
    replicas.push(replica);
    return replica;
  };
  return { world, signer: signer!, payer, payment, start };
}

const told = (replica: Replica, type: ReplicaLine["type"]) =>
  eventually(
    () => `${type} of: ${replica.output()}`,
    () => replica.lines().find((line) => line.type === type),
    20_000,
  );

/** Has a replica read the receipt of a payment and halt; gives what its caller will be told when it is awake again. */
async function haltAtReceipt(
  { world, start }: Awaited<ReturnType<typeof startSite>>,
  payment: Payment,
  before?: () => Promise<void>,
) {
  const halted = await start({ stopAt: "mined" });
  const answer = ask(halted.url, payment);
  await told(halted, "sent");
  await before?.();
  await world.mine();
  await told(halted, "step");
  await world.reorg(1);
  return { halted, answer };
}

test.concurrent("its transaction was replaced: the claimant is told of the one on the chain", async ({
  onTestFinished: finish,
}) => {
  const site = await startSite(finish);
  const { world, payment } = site;
  const { halted, answer } = await haltAtReceipt(site, payment);
  const other = await site.start({});
  await told(other, "replaced");
  halted.signal("SIGCONT");
  await answer;
  await world.mine();
  await told(other, "mined");
  await eventually("the transaction on the chain", async () => {
    const { body } = await ask(other.url, payment);
    const [transfer] = await world.transfersTo(payment.payTo);
    return body.success && body.transaction === transfer?.transactionHash;
  });
  expect(await world.transfersTo(payment.payTo)).toHaveLength(1);
});

test.concurrent("its nonce was used by something else: the payment is made all the same", async ({
  onTestFinished: finish,
}) => {
  const site = await startSite(finish);
  const { world, payment, signer } = site;
  const { halted, answer } = await haltAtReceipt(site, payment);
  await spendNonce(world, signer, 0);
  await world.mine();
  // Halts once more, with the payment ready for another transaction.
  const other = await site.start({ stopAt: "simulated" });
  await told(other, "step");
  halted.signal("SIGCONT");
  await answer;
  other.signal("SIGCONT");
  await told(other, "sent");
  await world.mine();
  const { body } = await askUntilFinal(() => other.url, payment, 10_000);
  const transfers = await world.transfersTo(payment.payTo);
  expect(transfers).toHaveLength(1);
  expect(body).toMatchObject({ success: true, transaction: transfers[0]!.transactionHash });
});

test.concurrent("it failed there and succeeds now: the claimant is told of the success", async ({
  onTestFinished: finish,
}) => {
  const site = await startSite(finish);
  const { world, payment, payer } = site;
  // The payer spends the same money in the same block, ahead of the payment.
  const { halted, answer } = await haltAtReceipt(site, payment, async () => {
    await world.client.writeContract({
      account: payer.account,
      address: world.token,
      abi: erc20Abi,
      functionName: "transfer",
      args: [world.accounts.deployer.address, 10_000n],
      gas: 100_000n,
      maxFeePerGas: parseGwei("600"),
      maxPriorityFeePerGas: parseGwei("600"),
    });
  });
  const other = await site.start({});
  await told(other, "resent");
  halted.signal("SIGCONT");
  await answer;
  await world.mine();
  await told(other, "mined");
  await eventually("success", async () => (await ask(other.url, payment)).body.success);
  expect(await world.transfersTo(payment.payTo)).toHaveLength(1);
});
