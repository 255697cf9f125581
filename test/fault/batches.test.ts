/** Batches of one lane: the next is prepared while one is being sent, and anything may happen in between. */
import { setTimeout as sleep } from "node:timers/promises";
import { parseEther } from "viem";
import { describe, expect, onTestFinished, test } from "vitest";
import type { SettleResponse } from "../../src/core/messages.ts";
import { memoryLedger, type Ledger } from "../../src/ledger/index.ts";
import { requirementsOf, signedRequest } from "../setup/payments.ts";
import { eventually, newPayments, startEngine, type Engine, type EngineOptions } from "./engine.ts";
import { newPayment, startLocalWorld, type LocalWorld, type Payment } from "./world.ts";

const BATCH = 4;

interface Site {
  readonly world: LocalWorld;
  /** An engine with batches of 4, whose first transaction is held back once it is recorded and marked. */
  start(options?: EngineOptions): Promise<Engine>;
  /** Lets the first transaction go, and mines from now on. */
  release(): void;
  /** How often a step was taken. */
  taken(step: string): number;
  expectPaidOnce(payments: readonly Payment[], answers: readonly SettleResponse[]): Promise<void>;
  /** Transactions of the signer that were mined. */
  mined(engine: Engine): Promise<number>;
}

async function startSite(finished: typeof onTestFinished): Promise<Site> {
  const world = await startLocalWorld();
  await world.setAutomine(false);
  const steps: string[] = [];
  let open!: () => void;
  const gate = new Promise<void>((resolve) => (open = resolve));
  let engine: Engine | undefined;
  let miner: NodeJS.Timeout | undefined;
  finished(async () => {
    open();
    clearInterval(miner);
    await engine?.close(0);
    await world.stop();
  });
  const taken = (step: string): number => steps.filter((name) => name === step).length;
  return {
    world,
    taken,
    async start(options = {}) {
      engine = await startEngine(world, {
        maxBatch: BATCH,
        async step(name) {
          steps.push(name);
          if (name === "marked" && taken("marked") === 1) await gate;
        },
        ...options,
      });
      return engine;
    },
    release() {
      open();
      miner = setInterval(() => void world.mine().catch(() => undefined), 100);
    },
    async expectPaidOnce(payments, answers) {
      for (const [index, { payTo, amount }] of payments.entries()) {
        const transfers = await world.transfersTo(payTo);
        expect(transfers).toHaveLength(1);
        expect(transfers[0]?.value).toBe(amount);
        expect(answers[index]).toMatchObject({
          success: true,
          transaction: transfers[0]?.transactionHash,
        });
      }
    },
    mined: async ({ signers }) =>
      await world.client.getTransactionCount({ address: signers[0]!.address }),
  };
}

const payAll = (engine: Engine, payments: readonly Payment[]): Promise<SettleResponse[]> =>
  Promise.all(payments.map((payment) => engine.pay(payment)));

describe.concurrent("while a transaction is being sent", () => {
  test("the next full batch is simulated and no more; all go out full, in order, each payment once", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const engine = await site.start();
    const payments = await newPayments(site.world, 5 * BATCH);
    const answers = payAll(engine, payments);
    await eventually("a second simulation", () => site.taken("simulated") === 2);
    await sleep(200);
    expect(site.taken("simulated")).toBe(2);
    expect(site.taken("signed")).toBe(1);
    expect(site.taken("broadcast")).toBe(0);
    site.release();
    await site.expectPaidOnce(payments, await answers);
    const sent = engine.events.flatMap((event) => (event.type === "sent" ? event.payments : []));
    expect(sent).toEqual([BATCH, BATCH, BATCH, BATCH, BATCH]);
    expect(await site.mined(engine)).toBe(5);
  });

  test("less than a full batch waits and gathers", async ({ onTestFinished: finished }) => {
    const site = await startSite(finished);
    const engine = await site.start();
    const payments = await newPayments(site.world, 2 * BATCH - 1);
    const answers = payAll(engine, payments);
    await eventually("all claims", () => site.taken("claimed") === payments.length);
    await sleep(300);
    expect(site.taken("simulated")).toBe(1);
    site.release();
    await site.expectPaidOnce(payments, await answers);
    expect(await site.mined(engine)).toBe(2);
  });

  test("a payment of the next batch expires: refused before it is signed, the others are paid", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const engine = await site.start();
    const payments = await Promise.all(
      Array.from({ length: 2 * BATCH }, (_, index) =>
        withLifetime(site.world, `order-${index}`, index === 2 * BATCH - 1 ? 60 : 3000),
      ),
    );
    const answers = payAll(engine, payments);
    await eventually("a second simulation", () => site.taken("simulated") === 2);
    await site.world.increaseTime(120);
    await sleep(1100);
    site.release();
    const [late, ...others] = (await answers).toReversed();
    expect(late).toMatchObject({
      success: false,
      errorReason: "invalid_exact_evm_transaction_simulation_failed",
    });
    expect(late?.transaction).toBe("");
    await site.expectPaidOnce(payments.slice(0, -1), others.toReversed());
    const sent = engine.events.flatMap((event) => (event.type === "sent" ? event.payments : []));
    expect(sent).toEqual([BATCH, BATCH - 1]);
  });

  test("the next batch is of the same payer, who has not enough for both: what there is is paid once", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const engine = await site.start();
    const payer = site.world.newAccount();
    await site.world.setAutomine(true);
    await site.world.fundToken(payer.address, BigInt(BATCH + 1) * 10_000n);
    await site.world.setAutomine(false);
    const payments = await Promise.all(
      Array.from({ length: 2 * BATCH }, (_, index) =>
        newPayment(site.world, `order-${index}`, payer),
      ),
    );
    const answers = payAll(engine, payments);
    await eventually("a second simulation", () => site.taken("simulated") === 2);
    site.release();
    const settled = await answers;
    const paid = payments.filter((_, index) => settled[index]?.success);
    expect(paid).toHaveLength(BATCH + 1);
    await site.expectPaidOnce(
      paid,
      settled.filter(({ success }) => success),
    );
    for (const { success, errorReason } of settled)
      if (!success) expect(errorReason).toBe("invalid_exact_evm_insufficient_balance");
    expect(await site.world.balanceOf(payer.address)).toBe(0n);
  });

  test("the signer runs out of gas: of the next batch nothing is signed until it has some, and all are paid once", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const engine = await site.start();
    const [signer] = engine.signers;
    const payments = await newPayments(site.world, 2 * BATCH);
    const answers = payAll(engine, payments);
    await eventually("a second simulation", () => site.taken("simulated") === 2);
    await site.world.client.setBalance({ address: signer!.address, value: 0n });
    site.release();
    await engine.event("lane_suspended");
    await sleep(300);
    expect(site.taken("signed")).toBe(1);
    await site.world.fundEther(signer!.address, parseEther("10"));
    await site.expectPaidOnce(payments, await answers);
    expect(await site.mined(engine)).toBe(2);
  });

  test("the lane is lost: of the next batch nothing is signed by who lost it, and all are paid once", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const memory = memoryLedger();
    let lost = false;
    const lanes: Ledger["lanes"] = {
      ...memory.lanes,
      async renew(...lane) {
        if (!lost) return await memory.lanes.renew(...lane);
        lost = false;
        return false;
      },
    };
    const engine = await site.start({ ledger: { ...memory, lanes } });
    const payments = await newPayments(site.world, 2 * BATCH);
    const answers = payAll(engine, payments);
    await eventually("a second simulation", () => site.taken("simulated") === 2);
    lost = true;
    await engine.event("lane_acquired", 2);
    // The lane that was leased anew sends both, while the first transaction is still held back here.
    await eventually("the second transaction", () => site.taken("broadcast") === 1);
    site.release();
    await site.expectPaidOnce(payments, await answers);
    await eventually("the first broadcast", () => site.taken("broadcast") === 2);
    await sleep(300);
    expect(site.taken("signed")).toBe(2);
    expect(await site.mined(engine)).toBe(2);
  });
});

test("a payment of a batch is lost to another while it is being marked: sent without it, and it is paid by itself", async () => {
  const site = await startSite(onTestFinished);
  const memory = memoryLedger();
  let marks = 0;
  const ledger: Ledger = {
    ...memory,
    async advance(key, transition) {
      if (transition.to === "signed" && ++marks === 2) await memory.release(key, transition.fence);
      return await memory.advance(key, transition);
    },
  };
  const engine = await site.start({ ledger });
  const payments = await newPayments(site.world, BATCH);
  const answers = payAll(engine, payments);
  site.release();
  await site.expectPaidOnce(payments, await answers);
  const sent = engine.events.flatMap((event) => (event.type === "sent" ? event.payments : []));
  expect(sent).toEqual([BATCH - 1, 1]);
  expect(new Set((await answers).map(({ transaction }) => transaction)).size).toBe(2);
});

/** A named payment of the world's payer that is good for so many seconds. */
async function withLifetime(world: LocalWorld, key: string, seconds: number): Promise<Payment> {
  const payTo = world.newAccount().address;
  const requirements = requirementsOf("$0.01", payTo);
  const request = await signedRequest(world.accounts.payer.account, requirements, seconds);
  return { payTo, amount: 10_000n, request, key, answers: [] };
}
