import type { Hex } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { memoryLedger } from "../../src/ledger/index.ts";
import { signedRequest } from "../setup/payments.ts";
import { permit2Payer, plainRequirements } from "../setup/permit2.ts";
import { openPermit2Site } from "../setup/permit2-site.ts";

let site: Awaited<ReturnType<typeof openPermit2Site>>;
let world: (typeof site)["world"];
let start: (typeof site)["start"];
let pay: (typeof site)["pay"];
let frontRun: (typeof site)["frontRun"];
let received: (typeof site)["received"];
beforeAll(async () => {
  site = await openPermit2Site();
  ({ world, start, pay, frontRun, received } = site);
});
afterAll(() => site.stop());

test("a payment is verified, settled once, and told to its claimant again", async () => {
  const { facilitator } = await start();
  const { request, payTo, payer } = await pay();
  expect(await facilitator.verify(request)).toEqual({ isValid: true, payer: payer.address });
  const named = { idempotencyKey: "order" };
  const answer = await facilitator.settle(request, named);
  expect(answer).toMatchObject({ success: true, amount: "10000", payer: payer.address });
  expect(await facilitator.settle(request, named)).toEqual(answer);
  expect(await received(payTo)).toBe(10_000n);
  const receipt = await world.client.getTransactionReceipt({ hash: answer.transaction as Hex });
  expect(Number(receipt.gasUsed)).toBeLessThan(170_000);
});

test("50 identical settles give one transaction", async () => {
  const { facilitator, sent } = await start();
  const { request, payTo } = await pay();
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => facilitator.settle(request, { idempotencyKey: "order" })),
  );
  expect(answers.every(({ success }) => success)).toBe(true);
  expect(new Set(answers.map(({ transaction }) => transaction)).size).toBe(1);
  expect(await sent()).toBe(1);
  expect(await received(payTo)).toBe(10_000n);
});

test("payments of many payers share transactions, those of one payer do not, nor with EIP-3009", async () => {
  const { facilitator, sent } = await start();
  const payers = await Promise.all(Array.from({ length: 8 }, () => permit2Payer(world)));
  const [twin] = payers;
  const payments = await Promise.all([...payers, twin, twin].map((payer) => pay(payer)));
  const usdc = await signedRequest(world.accounts.payer.account, {
    ...plainRequirements(world.newAccount().address),
    asset: world.token,
    extra: { name: "USDC", version: "2" },
  });
  const requests = [...payments.map(({ request }) => request), usdc];
  const answers = await Promise.all(requests.map((request) => facilitator.settle(request)));
  expect(answers.map(({ success, errorReason }) => errorReason ?? success)).toEqual(
    requests.map(() => true),
  );
  for (const { payTo } of payments) expect(await received(payTo)).toBe(10_000n);
  const hashes = payments.map((_, index) => answers[index]?.transaction);
  const ofTwin = [hashes[0], hashes[8], hashes[9]];
  expect(new Set(ofTwin).size).toBe(3);
  expect(hashes).not.toContain(answers.at(-1)?.transaction);
  expect(await sent()).toBeLessThan(requests.length);
});

test("one that fails in a batch is told from its twins, and does not take their success", async () => {
  // The second payer's balance goes away between simulation and block, in another transaction.
  let drain: (() => Promise<unknown>) | undefined;
  const { facilitator } = await start({
    step: async (step) => {
      if (step === "simulated") await drain?.();
    },
  });
  const payers = await Promise.all([1, 2, 3].map(() => permit2Payer(world, { funds: 10_000n })));
  const payTo = world.newAccount().address;
  const payments = await Promise.all(payers.map((payer) => pay(payer, {}, payTo)));
  drain = async () => {
    drain = undefined;
    await frontRun((await pay(payers[1])).request);
  };
  const answers = await Promise.all(payments.map(({ request }) => facilitator.settle(request)));
  expect(answers.map(({ success }) => success)).toEqual([true, false, true]);
  expect(answers[1]?.errorReason).toBe("permit2_insufficient_balance");
  expect(await received(payTo)).toBe(20_000n);
});

test("after a crash another replica finishes it from the record", async () => {
  const ledger = memoryLedger();
  const signer = world.newAccount();
  await world.fundEther(signer.address, 10n ** 18n);
  const dead = await start({
    ledger,
    signer,
    settleTimeoutMs: 300,
    step: (step) => (step === "marked" ? new Promise<never>(() => undefined) : undefined),
  });
  const { request, payTo } = await pay();
  const named = { idempotencyKey: "order" };
  expect(await dead.facilitator.settle(request, named)).toMatchObject({
    errorReason: "settlement_pending",
  });
  await dead.facilitator.close(0).catch(() => undefined);
  const alive = await start({ ledger, signer });
  alive.facilitator.start();
  expect(await alive.facilitator.settle(request, named)).toMatchObject({ success: true });
  expect(await alive.sent()).toBe(1);
  expect(await received(payTo)).toBe(10_000n);
}, 30_000);
