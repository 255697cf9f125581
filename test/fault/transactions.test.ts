import { setTimeout as sleep } from "node:timers/promises";
import { parseEther, parseGwei } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { SettleResponse } from "../../src/core/messages.ts";
import {
  eventually,
  frontRun,
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
/** No blocks but those that a test mines. */
beforeEach(() => world.setAutomine(false));
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

/** A block now and then, from now on. */
function mineOn(): void {
  clearInterval(miner);
  miner = setInterval(() => void world.mine().catch(() => undefined), 100);
}

async function setBaseFee(baseFeePerGas: bigint): Promise<void> {
  await world.client.setNextBlockBaseFeePerGas({ baseFeePerGas });
  await world.mine();
}

async function expectPaid(payment: Payment, answer: SettleResponse): Promise<void> {
  const transfers = await world.transfersTo(payment.payTo);
  expect(transfers).toHaveLength(1);
  expect(transfers[0]?.value).toBe(payment.amount);
  expect(answer).toMatchObject({ success: true, transaction: transfers[0]?.transactionHash });
}

test("front-run: the claimant is told of the success that somebody else sent, a stranger is not", async () => {
  const engine = await start();
  const payment = await newPayment(world, "order");
  const answer = engine.pay(payment);
  const { transaction } = await engine.event("sent");
  const theirs = await frontRun(world, payment);
  mineOn();
  expect(await answer).toMatchObject({ success: true, transaction: theirs });
  expect(theirs).not.toBe(transaction);
  await expectPaid(payment, await answer);
  expect(await engine.pay({ ...payment, key: "stranger" })).toMatchObject({
    success: false,
    errorReason: "duplicate_settlement",
  });
});

test("settled by somebody else before the claim: nobody is told of a success that was not for them", async () => {
  // A chain whose clock has not been driven ahead by the other tests.
  const other = await startLocalWorld();
  const engine = await startEngine(other);
  engines.push(engine);
  const payment = await newPayment(other, "order");
  await frontRun(other, payment);
  await sleep(2100);
  expect(await engine.pay(payment)).toMatchObject({
    success: false,
    errorReason: "invalid_exact_evm_nonce_already_used",
  });
  await engine.close(0);
  await other.stop();
});

test("front-run in a batch: all of the batch are paid, each by its own transaction", async () => {
  const engine = await start();
  const payments = await newPayments(world, 8);
  const answers = Promise.all(payments.map((payment) => engine.pay(payment)));
  await engine.event("sent");
  const theirs = [await frontRun(world, payments[3]!), await frontRun(world, payments[4]!)];
  mineOn();
  for (const [index, answer] of (await answers).entries())
    await expectPaid(payments[index]!, answer);
  expect((await answers).slice(3, 5).map(({ transaction }) => transaction)).toEqual(theirs);
});

test("dropped from the pool: sent again", async () => {
  const engine = await start();
  const payment = await newPayment(world, "order");
  const answer = engine.pay(payment);
  const { transaction } = await engine.event("sent");
  await world.client.dropTransaction({ hash: transaction as `0x${string}` });
  mineOn();
  await expectPaid(payment, await answer);
  expect((await answer).transaction).toBe(transaction);
});

test("dropped with others behind it: the gap is filled and all are paid", async () => {
  const engine = await start({ maxBatch: 1 });
  const payments = await newPayments(world, 5);
  const answers = Promise.all(payments.map((payment) => engine.pay(payment)));
  await engine.event("sent", 5);
  const { transaction } = await engine.event("sent");
  await world.client.dropTransaction({ hash: transaction as `0x${string}` });
  mineOn();
  for (const [index, answer] of (await answers).entries())
    await expectPaid(payments[index]!, answer);
});

test("the base fee rises twentyfold: replaced with a higher fee, paid once", async () => {
  await setBaseFee(parseGwei("10"));
  const engine = await start();
  const payments = await newPayments(world, 3);
  const answers = Promise.all(payments.map((payment) => engine.pay(payment)));
  await engine.event("sent");
  await setBaseFee(parseGwei("200"));
  mineOn();
  for (const [index, answer] of (await answers).entries())
    await expectPaid(payments[index]!, answer);
  expect(engine.events.some((event) => event.type === "replaced")).toBe(true);
});

test("the base fee is over the ceiling: pending, and paid when it has fallen", async () => {
  const engine = await start({ feeCeiling: parseGwei("5"), settleTimeoutMs: 1500 });
  const payment = await newPayment(world, "order");
  await setBaseFee(parseGwei("50"));
  const early = await engine.pay(payment).catch((error: unknown) => error);
  expect(early).not.toMatchObject({ success: true });
  expect(early).toMatchObject(
    early instanceof Error ? { code: "settlement_pending" } : { errorReason: "settlement_pending" },
  );
  await setBaseFee(parseGwei("1"));
  mineOn();
  await expectPaid(payment, await eventually("the result", async () => successOf(engine, payment)));
});

test("the signer's nonce was used elsewhere: paid with the next one", async () => {
  const engine = await start();
  const [signer] = engine.signers;
  mineOn();
  const before = await newPayment(world, "before");
  await expectPaid(before, await engine.pay(before));
  await spendNonce(world, signer!, 1);
  await spendNonce(world, signer!, 2);
  await eventually("their block", async () =>
    (await world.client.getTransactionCount({ address: signer!.address })) === 3 ? true : undefined,
  );
  const payments = await newPayments(world, 5);
  const answers = await Promise.all(payments.map((payment) => engine.pay(payment)));
  for (const [index, answer] of answers.entries()) await expectPaid(payments[index]!, answer);
});

test("replaced in the pool by a foreign transaction of the same key: paid with another nonce", async () => {
  const engine = await start();
  const payments = await newPayments(world, 3);
  const answers = Promise.all(payments.map((payment) => engine.pay(payment)));
  await engine.event("sent");
  await spendNonce(world, engine.signers[0]!, 0);
  mineOn();
  for (const [index, answer] of (await answers).entries())
    await expectPaid(payments[index]!, answer);
});

test("out of gas: pending with its hash, and paid when the signer has been given ether", async () => {
  const poor = world.newAccount();
  const engine = await start({ signers: [poor], settleTimeoutMs: 1000 });
  mineOn();
  const payment = await newPayment(world, "order");
  expect(await engine.pay(payment)).toMatchObject({
    success: false,
    errorReason: "settlement_pending",
    transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/) as string,
  });
  await world.fundEther(poor.address, parseEther("1"));
  await expectPaid(payment, await eventually("the result", async () => successOf(engine, payment)));
});

test("out of gas with a second signer: paid by that one at once", async () => {
  const [rich] = await newSigners(world, 1);
  const engine = await start({ signers: [world.newAccount(), rich!] });
  mineOn();
  const payments = await newPayments(world, 6);
  for (const payment of payments) await expectPaid(payment, await engine.pay(payment));
});

/** The answer once it is a success. */
async function successOf(engine: Engine, payment: Payment): Promise<SettleResponse | undefined> {
  const answer = await engine.pay(payment).catch(() => undefined);
  return answer?.success === true ? answer : undefined;
}
