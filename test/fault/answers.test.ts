/** What callers are told while things take long, and when the service ends. */
import { erc20Abi } from "viem";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { memoryLedger } from "../../src/ledger/index.ts";
import { eventually, newPayments, startEngine, type Engine, type EngineOptions } from "./engine.ts";
import { newPayment, newSigners, startLocalWorld, type LocalWorld } from "./world.ts";

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

describe("a block takes longer than the caller waits", () => {
  test.each([
    ["named", "order"],
    ["anonymous", undefined],
  ])(
    "a %s caller is told pending with the hash, and later the result for the same request",
    async (_, key) => {
      await world.setAutomine(false);
      const engine = await start({ settleTimeoutMs: 400 });
      const payment = await newPayment(world, key);
      const early = await engine.pay(payment);
      expect(early).toMatchObject({ success: false, errorReason: "settlement_pending" });
      expect(early.transaction).toMatch(/^0x[0-9a-f]{64}$/);
      expect(await engine.pay(payment)).toEqual(early);
      await world.mine();
      const late = await eventually("the result", async () => {
        const answer = await engine.pay(payment);
        return answer.success && answer;
      });
      expect(late.transaction).toBe(early.transaction);
      expect(await world.transfersTo(payment.payTo)).toHaveLength(1);
    },
  );

  test("a stranger is told duplicate_settlement, pending or not", async () => {
    await world.setAutomine(false);
    const engine = await start({ settleTimeoutMs: 400 });
    const payment = await newPayment(world, "order");
    const duplicate = { success: false, errorReason: "duplicate_settlement" };
    await engine.pay(payment);
    expect(await engine.pay({ ...payment, key: "stranger" })).toMatchObject(duplicate);
    await world.mine();
    await eventually("the result", async () => (await engine.pay(payment)).success);
    expect(await engine.pay({ ...payment, key: "stranger" })).toMatchObject(duplicate);
  });
});

test("confirmations: 3 answers once two more blocks are on top", async () => {
  await world.setAutomine(false);
  const engine = await start({ confirmations: 3, settleTimeoutMs: 600 });
  const payment = await newPayment(world, "order");
  const first = engine.pay(payment);
  await engine.event("sent");
  for (let blocks = 1; blocks <= 3; blocks++) {
    const answer = blocks === 1 ? await first : await engine.pay(payment);
    expect(answer).toMatchObject({ success: false, errorReason: "settlement_pending" });
    await world.mine();
  }
  await eventually("the result", async () => (await engine.pay(payment)).success);
});

test('confirmations: "finalized" answers once the chain calls the block final', async () => {
  await world.setAutomine(false);
  const engine = await start({ confirmations: "finalized", settleTimeoutMs: 600 });
  const payment = await newPayment(world, "order");
  const first = engine.pay(payment);
  await engine.event("sent");
  await world.mine();
  expect(await first).toMatchObject({ success: false, errorReason: "settlement_pending" });
  // anvil calls a block final when 64 are on top of it.
  await world.mine(80);
  await eventually("the result", async () => (await engine.pay(payment)).success);
});

test("confirmations by value: the small one does not wait for the big one in its batch", async () => {
  await world.setAutomine(false);
  const engine = await start({
    settleTimeoutMs: 600,
    confirmations: ({ payTo }) => (payTo === big.payTo.toLowerCase() ? 5 : 1),
  });
  const [small, big] = (await newPayments(world, 2)) as [
    Awaited<ReturnType<typeof newPayment>>,
    Awaited<ReturnType<typeof newPayment>>,
  ];
  const [one, two] = [engine.pay(small), engine.pay(big)];
  await engine.event("sent");
  await world.mine();
  expect(await one).toMatchObject({ success: true });
  expect(await two).toMatchObject({ success: false, errorReason: "settlement_pending" });
  await world.mine(4);
  await eventually("the result", async () => (await engine.pay(big)).success);
});

test("closing under load: every accepted payment gets an answer, and no lease is left", async () => {
  await world.setAutomine(false);
  mineOn();
  const ledger = memoryLedger();
  const signers = await newSigners(world, 2);
  const engine = await start({ ledger, signers });
  const payments = await newPayments(world, 60);
  const answers = payments.map(async (payment, index) => {
    await new Promise((resolve) => setTimeout(resolve, index * 20));
    return await engine.pay(payment).catch((error: unknown) => error as { code: string });
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const startMs = Date.now();
  await engine.close();
  expect(Date.now() - startMs).toBeLessThan(10_000);
  for (const signer of signers) {
    const lane = `${world.network}:${signer.address.toLowerCase()}`;
    expect(await ledger.lanes.acquire(lane, "somebody else", 1000)).toBeDefined();
    await ledger.lanes.release(lane, (await ledger.lanes.acquire(lane, "somebody else", 1000))!);
  }
  const settled = await Promise.all(answers);
  for (const [index, answer] of settled.entries()) {
    const transfers = await world.transfersTo(payments[index]!.payTo);
    if ("success" in answer) {
      expect(answer.success).toBe(true);
      expect(transfers).toHaveLength(1);
    } else {
      // It came after the end, and nothing was done for it.
      expect(answer.code).toBe("settlement_pending");
      expect(transfers).toHaveLength(0);
    }
  }
  expect(settled.filter((answer) => "success" in answer).length).toBeGreaterThan(5);

  const successor = await start({ ledger, signers });
  for (const payment of payments)
    expect(await successor.pay(payment)).toMatchObject({ success: true });
  for (const { payTo } of payments) expect(await world.transfersTo(payTo)).toHaveLength(1);
});

test("a balance for one payment: of 50 different ones that are verified at once, one is valid", async () => {
  const engine = await start();
  const payer = world.newAccount();
  await world.fundToken(payer.address, 10_000n);
  const payments = await Promise.all(
    Array.from({ length: 50 }, () => newPayment(world, undefined, payer)),
  );
  const answers = await Promise.all(payments.map(({ request }) => engine.verify(request)));
  expect(answers.filter(({ isValid }) => isValid)).toHaveLength(1);
  const reasons = answers.filter(({ isValid }) => !isValid).map((each) => each.invalidReason);
  expect(new Set(reasons)).toEqual(new Set(["invalid_exact_evm_insufficient_balance"]));

  const settled = await Promise.all(payments.map((payment) => engine.pay(payment)));
  expect(settled.filter(({ success }) => success)).toHaveLength(1);
  const left = await world.client.readContract({
    address: world.token,
    abi: erc20Abi,
    functionName: "balanceOf",
    args: [payer.address],
  });
  expect(left).toBe(0n);
});
