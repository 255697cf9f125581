/** What may be spent on gas that is the payers' to pay. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFacilitator, evmChain, type FacilitatorEngine } from "../../facilitator/index.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { memoryLedger, type Ledger } from "../../src/ledger/index.ts";
import { redisLedger } from "../../src/ledger/redis.ts";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import { startLocalWorld, type LocalWorld, type TestAccount } from "../../src/testing/index.ts";
import { PERMIT, permit2Payer, plainRequirements, sponsoredRequest } from "../setup/permit2.ts";
import { startRedis } from "../setup/redis.ts";

let world: LocalWorld;
let redis: Awaited<ReturnType<typeof startRedis>>;
const facilitators: FacilitatorEngine[] = [];
const ledgers: Ledger[] = [];
beforeAll(async () => {
  [world, redis] = await Promise.all([startLocalWorld(), startRedis()]);
});
afterAll(async () => {
  await Promise.all(facilitators.map((each) => each.close(1000)));
  await Promise.all(ledgers.map((each) => each.close()));
  await Promise.all([world.stop(), redis.stop()]);
});

const FEE = 2n * 10n ** 9n;

/** Budget for so many payments: the gas of one permit at this fee, which on the local chain would change all the time. */
const payments = (count: number): bigint => 120_000n * FEE * BigInt(count);

async function start(
  sponsoring: { perPayerPerDay: bigint; perDay: bigint },
  ledger: Ledger = memoryLedger(),
) {
  const signer = world.newAccount();
  await world.fundEther(signer.address, 10n ** 18n);
  const there = evmChain({
    network: world.network,
    rpcUrls: [world.rpcUrl],
    signers: [signer.account],
  });
  const fees = async () => ({ maxFeePerGas: FEE, maxPriorityFeePerGas: 1n });
  const facilitator = createFacilitator({
    schemes: [exactEvmFacilitator({ assets: [PERMIT] })],
    ledger,
    chains: [{ ...there, chain: { ...there.chain, fees } }],
    sponsoring,
  });
  facilitators.push(facilitator);
  return facilitator;
}

const newPayer = (funds?: bigint) =>
  permit2Payer(world, { token: PERMIT.address, allowance: 0n, ...(funds && { funds }) });
const request = async (payer: TestAccount) =>
  sponsoredRequest(
    world,
    payer,
    plainRequirements(world.newAccount().address, { asset: PERMIT.address }),
  );
const EXHAUSTED = "sponsoring_budget_exhausted";

test.each([{ perPayerPerDay: -1n }, { perDay: 1 as unknown as bigint }])(
  "a budget that is none is told at construction: %o",
  async (wrong) => {
    await expect(start({ perPayerPerDay: 1n, perDay: 1n, ...wrong })).rejects.toThrow(/sponsoring/);
  },
);

describe.each(["memory", "redis"])("in %s", (store) => {
  const newLedger = (): Ledger => {
    const ledger = store === "redis" ? redisLedger(connectRedis(redis.url)) : memoryLedger();
    ledgers.push(ledger);
    return ledger;
  };

  test("a payer's is used up, verified and settled by whichever replica; others' are not", async () => {
    const first = newLedger();
    const budget = { perPayerPerDay: payments(2), perDay: 10n ** 20n };
    const facilitator = await start(budget, first);
    const replica = await start(budget, store === "redis" ? newLedger() : first);
    const payer = await newPayer();
    for (const each of [facilitator, replica])
      expect(await each.settle(await request(payer))).toMatchObject({ success: true });
    const third = await request(payer);
    for (const each of [facilitator, replica]) {
      expect(await each.verify(third)).toMatchObject({ invalidReason: EXHAUSTED });
      expect(await each.settle(third)).toMatchObject({ success: false, errorReason: EXHAUSTED });
    }
    expect(await facilitator.settle(await request(await newPayer()))).toMatchObject({
      success: true,
    });
  });

  test("that of all is", async () => {
    const budget = { perPayerPerDay: 10n ** 20n, perDay: payments(2) };
    const facilitator = await start(budget, store === "memory" ? newLedger() : memoryLedger());
    const settle = async () => facilitator.settle(await request(await newPayer()));
    expect(await settle()).toMatchObject({ success: true });
    expect(await settle()).toMatchObject({ success: true });
    expect(await settle()).toMatchObject({ errorReason: EXHAUSTED });
  });
});

test("what was verified counts once, and what was refused not at all", async () => {
  const budget = { perPayerPerDay: 10n ** 20n, perDay: payments(1) };
  const facilitator = await start(budget);
  const poor = await request(await newPayer(10n));
  for (let i = 0; i < 3; i++) {
    expect(await facilitator.settle(poor)).toMatchObject({
      errorReason: "permit2_insufficient_balance",
    });
  }
  const paid = await request(await newPayer());
  expect(await facilitator.verify(paid)).toMatchObject({ isValid: true });
  expect(await facilitator.verify(paid)).toMatchObject({ isValid: true });
  // What is set aside for one is not there for another.
  expect(await facilitator.verify(await request(await newPayer()))).toMatchObject({
    invalidReason: EXHAUSTED,
  });
  const named = { idempotencyKey: "order" };
  expect(await facilitator.settle(paid, named)).toMatchObject({ success: true });
  expect(await facilitator.settle(paid, named)).toMatchObject({ success: true });
  // A stranger's call gives nothing back.
  await facilitator.settle(paid, { idempotencyKey: "stranger" });
  expect(await facilitator.settle(await request(await newPayer()))).toMatchObject({
    errorReason: EXHAUSTED,
  });
});

test("a payment whose allowance is there needs no budget", async () => {
  const facilitator = await start({ perPayerPerDay: 0n, perDay: 0n });
  const payer = await permit2Payer(world, { token: PERMIT.address });
  expect(await facilitator.settle(await request(payer))).toMatchObject({ success: true });
});
