import { erc20Abi, parseEther, parseGwei } from "viem";
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from "vitest";
import { memoryLedger } from "../../src/ledger/index.ts";
import { startRpcProxy, type RpcAnswer } from "../../src/testing/index.ts";
import {
  eventually,
  newPayments,
  spendNonce,
  startEngine,
  type Engine,
  type EngineOptions,
} from "./engine.ts";
import { newPayment, newSigners, startLocalWorld, type LocalWorld, type Payment } from "./world.ts";

let world: LocalWorld;
let miner: NodeJS.Timeout | undefined;
const engines: Engine[] = [];

beforeAll(async () => {
  world = await startLocalWorld();
});
afterAll(() => world.stop());
afterEach(async () => {
  clearInterval(miner);
  await world.setAutomine(true);
  await Promise.all(engines.splice(0).map((engine) => engine.close(0)));
});

async function start(options: EngineOptions = {}): Promise<Engine> {
  const engine = await startEngine(world, options);
  engines.push(engine);
  return engine;
}

function mineOn(): void {
  clearInterval(miner);
  miner = setInterval(() => void world.mine().catch(() => undefined), 100);
}

const transfers = async (payments: readonly Payment[]): Promise<number[]> =>
  await Promise.all(payments.map(async ({ payTo }) => (await world.transfersTo(payTo)).length));

/** Every payment is on the chain once, and its claimant is told which transaction did it. */
async function expectPaidAgain(engine: Engine, payments: readonly Payment[]): Promise<void> {
  await eventually("the transfers after the reorganization", async () =>
    (await transfers(payments)).every((count) => count === 1) ? true : undefined,
  );
  for (const payment of payments) {
    const answer = await engine.pay(payment);
    const [transfer] = await world.transfersTo(payment.payTo);
    expect(answer).toMatchObject({ success: true, transaction: transfer?.transactionHash });
  }
}

test("a settled payment whose block is reorganized away is sent again, and is on the chain once", async () => {
  const engine = await start();
  const payments = await newPayments(world, 3);
  for (const payment of payments)
    expect(await engine.pay(payment)).toMatchObject({ success: true });
  await world.setAutomine(false);
  await world.reorg(2);
  expect(await transfers(payments)).not.toEqual([1, 1, 1]);
  mineOn();
  await expectPaidAgain(engine, payments);
});

test("while the payment is off the chain its claimant is told that it is pending", async () => {
  const engine = await start({ settleTimeoutMs: 500 });
  const payment = await newPayment(world, "order");
  expect(await engine.pay(payment)).toMatchObject({ success: true });
  await world.setAutomine(false);
  await world.reorg(1);
  await engine.event("reorganized");
  const answer = await eventually("an answer that takes the success back", async () => {
    const now = await engine.pay(payment);
    return now.success ? undefined : now;
  });
  expect(answer).toMatchObject({ success: false, errorReason: "settlement_pending" });
  mineOn();
  await expectPaidAgain(engine, [payment]);
});

test("a reorganization under payments that wait for 3 confirmations: told of success once they are deep", async () => {
  await world.setAutomine(false);
  const engine = await start({ confirmations: 3 });
  const payments = await newPayments(world, 4);
  const answers = payments.map((payment) => engine.pay(payment));
  await engine.event("sent");
  await world.mine();
  await engine.event("mined");
  await world.reorg(1);
  mineOn();
  for (const [index, answer] of (await Promise.all(answers)).entries()) {
    const [transfer, ...others] = await world.transfersTo(payments[index]!.payTo);
    expect(others).toEqual([]);
    expect(answer).toMatchObject({ success: true, transaction: transfer?.transactionHash });
    expect(await world.client.getBlockNumber()).toBeGreaterThanOrEqual(transfer!.blockNumber + 2n);
  }
});

test("a reorganization while nobody watched is found by whoever leases the lane next", async () => {
  const ledger = memoryLedger();
  const signers = await newSigners(world, 1);
  const first = await start({ ledger, signers });
  const payments = await newPayments(world, 3);
  for (const payment of payments) expect(await first.pay(payment)).toMatchObject({ success: true });
  await first.close(0);
  await world.reorg(3);
  expect(await transfers(payments)).toEqual([0, 0, 0]);
  const second = await start({ ledger, signers });
  second.start();
  mineOn();
  await expectPaidAgain(second, payments);
});

test("reorganized away while nobody watched, and its nonce used by something else: paid with another transaction", async () => {
  const ledger = memoryLedger();
  const signers = await newSigners(world, 1);
  const first = await start({ ledger, signers });
  await world.mine();
  const payment = await newPayment(world, "order");
  expect(await first.pay(payment)).toMatchObject({ success: true });
  await first.close(0);
  await world.setAutomine(false);
  await world.reorg(1);
  await spendNonce(world, signers[0]!, 0);
  await world.mine();
  expect(await transfers([payment])).toEqual([0]);
  const second = await start({ ledger, signers });
  second.start();
  mineOn();
  await expectPaidAgain(second, [payment]);
});

test("while the node hides a reorganization, the nonces that it freed are not used for anything else", async () => {
  let head: RpcAnswer | undefined;
  let hiding = false;
  const proxy = await startRpcProxy(world.rpcUrl, {
    async intercept({ method, params }, forward) {
      const isHead = method === "eth_getBlockByNumber" && (params as unknown[])[0] === "latest";
      if (!isHead) return undefined;
      if (!hiding || head === undefined) head = await forward();
      return head;
    },
  });
  onTestFinished(() => proxy.stop());
  await world.setAutomine(false);
  const engine = await start({ rpcUrls: [proxy.url] });
  await world.mine();
  const [early, late] = (await newPayments(world, 2)) as [Payment, Payment];
  const told = engine.pay(early);
  await engine.event("sent");
  await world.mine();
  const { transaction } = await told;
  hiding = true;
  await world.reorg(1);
  const answer = engine.pay(late);
  await engine.event("resent");
  await world.mine();
  hiding = false;
  mineOn();
  await answer;
  await expectPaidAgain(engine, [early, late]);
  expect(await engine.pay(early)).toMatchObject({ success: true, transaction });
});

test("a failure whose block is reorganized away is none if the payment goes through after all", async () => {
  const payer = world.newAccount();
  await world.fundToken(payer.address, 10_000n);
  await world.fundEther(payer.address, parseEther("1"));
  await world.setAutomine(false);
  const engine = await start();
  const payment = await newPayment(world, "order", payer);
  const first = engine.pay(payment);
  await engine.event("sent");
  // The payer spends the same money in the same block, ahead of the payment.
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
  await world.mine();
  expect(await first).toMatchObject({ success: false });
  await world.reorg(1);
  mineOn();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const answer = await engine.pay(payment);
  expect(answer.success).toBe((await transfers([payment]))[0] === 1);
});

test("reorganizations again and again under load: each payment is on the chain once", async () => {
  const engine = await start({ signers: await newSigners(world, 2) });
  const payments = await newPayments(world, 40);
  await world.setAutomine(false);
  mineOn();
  const answers = payments.map(async (payment, index) => {
    await new Promise((resolve) => setTimeout(resolve, 50 * index));
    return await engine.pay(payment);
  });
  for (const depth of [1, 2, 3, 1]) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    await world.reorg(depth);
  }
  await Promise.all(answers);
  await expectPaidAgain(engine, payments);
});
