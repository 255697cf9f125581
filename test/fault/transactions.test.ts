import { setTimeout as sleep } from "node:timers/promises";
import { parseEther, parseGwei } from "viem";
import { describe, expect, onTestFinished, test } from "vitest";
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

interface Site {
  readonly world: LocalWorld;
  start(options?: EngineOptions): Promise<Engine>;
  /** A block now and then, from now on. */
  mineOn(): void;
  setBaseFee(baseFeePerGas: bigint): Promise<void>;
  expectPaid(payment: Payment, answer: SettleResponse): Promise<void>;
}

/** A chain of the test's own, with no blocks but those that it mines. */
async function startSite(finished: typeof onTestFinished): Promise<Site> {
  const world = await startLocalWorld();
  const engines: Engine[] = [];
  let miner: NodeJS.Timeout | undefined;
  finished(async () => {
    clearInterval(miner);
    await Promise.all(engines.map((engine) => engine.close(0)));
    await world.stop();
  });
  await world.setAutomine(false);
  return {
    world,
    async start(options = {}) {
      const engine = await startEngine(world, options);
      engines.push(engine);
      return engine;
    },
    mineOn() {
      miner = setInterval(() => void world.mine().catch(() => undefined), 100);
    },
    async setBaseFee(baseFeePerGas) {
      await world.client.setNextBlockBaseFeePerGas({ baseFeePerGas });
      await world.mine();
    },
    async expectPaid(payment, answer) {
      const transfers = await world.transfersTo(payment.payTo);
      expect(transfers).toHaveLength(1);
      expect(transfers[0]?.value).toBe(payment.amount);
      expect(answer).toMatchObject({ success: true, transaction: transfers[0]?.transactionHash });
    },
  };
}

describe.concurrent("a transaction does not go its way", () => {
  test("front-run: the claimant is told of the success that somebody else sent, a stranger is not", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const engine = await site.start();
    const payment = await newPayment(site.world, "order");
    const answer = engine.pay(payment);
    const { transaction } = await engine.event("sent");
    const theirs = await frontRun(site.world, payment);
    site.mineOn();
    expect(await answer).toMatchObject({ success: true, transaction: theirs });
    expect(theirs).not.toBe(transaction);
    await site.expectPaid(payment, await answer);
    expect(await engine.pay({ ...payment, key: "stranger" })).toMatchObject({
      success: false,
      errorReason: "duplicate_settlement",
    });
  });

  test("settled by somebody else before the claim: nobody is told of a success that was not for them", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const engine = await site.start();
    const payment = await newPayment(site.world, "order");
    await frontRun(site.world, payment);
    await site.world.mine();
    await sleep(4100);
    expect(await engine.pay(payment)).toMatchObject({
      success: false,
      errorReason: "invalid_exact_evm_nonce_already_used",
    });
  });

  test("front-run in a batch: all of the batch are paid, each by its own transaction", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const engine = await site.start();
    const payments = await newPayments(site.world, 8);
    const answers = Promise.all(payments.map((payment) => engine.pay(payment)));
    await engine.event("sent");
    const theirs = [
      await frontRun(site.world, payments[3]!),
      await frontRun(site.world, payments[4]!),
    ];
    site.mineOn();
    for (const [index, answer] of (await answers).entries())
      await site.expectPaid(payments[index]!, answer);
    expect((await answers).slice(3, 5).map(({ transaction }) => transaction)).toEqual(theirs);
  });

  test("dropped from the pool: sent again", async ({ onTestFinished: finished }) => {
    const site = await startSite(finished);
    const engine = await site.start();
    const payment = await newPayment(site.world, "order");
    const answer = engine.pay(payment);
    const { transaction } = await engine.event("sent");
    await site.world.client.dropTransaction({ hash: transaction as `0x${string}` });
    site.mineOn();
    await site.expectPaid(payment, await answer);
    expect((await answer).transaction).toBe(transaction);
  });

  test("dropped with others behind it: the gap is filled and all are paid", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const engine = await site.start({ maxBatch: 1 });
    const payments = await newPayments(site.world, 5);
    const answers = Promise.all(payments.map((payment) => engine.pay(payment)));
    await engine.event("sent", 5);
    const { transaction } = await engine.event("sent");
    await site.world.client.dropTransaction({ hash: transaction as `0x${string}` });
    site.mineOn();
    for (const [index, answer] of (await answers).entries())
      await site.expectPaid(payments[index]!, answer);
  });

  test("the base fee rises twentyfold: replaced with a higher fee, paid once", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    await site.setBaseFee(parseGwei("10"));
    const engine = await site.start();
    const payments = await newPayments(site.world, 3);
    const answers = Promise.all(payments.map((payment) => engine.pay(payment)));
    await engine.event("sent");
    await site.setBaseFee(parseGwei("200"));
    site.mineOn();
    for (const [index, answer] of (await answers).entries())
      await site.expectPaid(payments[index]!, answer);
    expect(engine.events.some((event) => event.type === "replaced")).toBe(true);
  });

  test("the base fee is over the ceiling: pending, and paid when it has fallen", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const engine = await site.start({ feeCeiling: parseGwei("5"), settleTimeoutMs: 1500 });
    const payment = await newPayment(site.world, "order");
    await site.setBaseFee(parseGwei("50"));
    const early = await engine.pay(payment).catch((error: unknown) => error);
    expect(early).not.toMatchObject({ success: true });
    expect(early).toMatchObject(
      early instanceof Error
        ? { code: "settlement_pending" }
        : { errorReason: "settlement_pending" },
    );
    await site.setBaseFee(parseGwei("1"));
    site.mineOn();
    await site.expectPaid(
      payment,
      await eventually("the result", async () => successOf(engine, payment)),
    );
  });

  test("the signer's nonce was used elsewhere: paid with the next one", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const engine = await site.start();
    const [signer] = engine.signers;
    site.mineOn();
    const before = await newPayment(site.world, "before");
    await site.expectPaid(before, await engine.pay(before));
    await spendNonce(site.world, signer!, 1);
    await spendNonce(site.world, signer!, 2);
    await eventually("their block", async () =>
      (await site.world.client.getTransactionCount({ address: signer!.address })) === 3
        ? true
        : undefined,
    );
    const payments = await newPayments(site.world, 5);
    const answers = await Promise.all(payments.map((payment) => engine.pay(payment)));
    for (const [index, answer] of answers.entries())
      await site.expectPaid(payments[index]!, answer);
  });

  test("replaced in the pool by a foreign transaction of the same key: paid with another nonce", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const engine = await site.start();
    const payments = await newPayments(site.world, 3);
    const answers = Promise.all(payments.map((payment) => engine.pay(payment)));
    await engine.event("sent");
    await spendNonce(site.world, engine.signers[0]!, 0);
    site.mineOn();
    for (const [index, answer] of (await answers).entries())
      await site.expectPaid(payments[index]!, answer);
  });

  test("out of gas: pending with its hash, and paid when the signer has been given ether", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const poor = site.world.newAccount();
    const engine = await site.start({ signers: [poor], settleTimeoutMs: 1000 });
    site.mineOn();
    const payment = await newPayment(site.world, "order");
    expect(await engine.pay(payment)).toMatchObject({
      success: false,
      errorReason: "settlement_pending",
      transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/) as string,
    });
    await site.world.fundEther(poor.address, parseEther("1"));
    await site.expectPaid(
      payment,
      await eventually("the result", async () => successOf(engine, payment)),
    );
  });

  test("out of gas with a second signer: paid by that one at once", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const [rich] = await newSigners(site.world, 1);
    const engine = await site.start({ signers: [site.world.newAccount(), rich!] });
    site.mineOn();
    const payments = await newPayments(site.world, 6);
    for (const payment of payments) await site.expectPaid(payment, await engine.pay(payment));
  });
});

/** The answer once it is a success. */
async function successOf(engine: Engine, payment: Payment): Promise<SettleResponse | undefined> {
  const answer = await engine.pay(payment).catch(() => undefined);
  return answer?.success === true ? answer : undefined;
}
