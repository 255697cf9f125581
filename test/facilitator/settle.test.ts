import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFacilitator, evmChain, type FacilitatorEngine } from "../../facilitator/index.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import { memoryLedger, type Ledger } from "../../src/ledger/index.ts";
import { redisLedger } from "../../src/ledger/redis.ts";
import { startLocalWorld, type LocalWorld } from "../../src/testing/index.ts";
import { requirementsOf, signedRequest } from "../setup/payments.ts";
import { startRedis } from "../setup/redis.ts";

const ledgers: Record<string, () => Promise<{ ledger: Ledger; stop: () => Promise<void> }>> = {
  memory: async () => ({ ledger: memoryLedger(), stop: async () => undefined }),
  redis: async () => {
    const redis = await startRedis();
    return { ledger: redisLedger(connectRedis(redis.url)), stop: () => redis.stop() };
  },
};

describe.each(Object.keys(ledgers))("settling with a ledger in %s", (name) => {
  let world: LocalWorld;
  let ledger: Ledger;
  let facilitator: FacilitatorEngine;
  let stopLedger: () => Promise<void>;

  beforeAll(async () => {
    world = await startLocalWorld();
    ({ ledger, stop: stopLedger } = await ledgers[name]!());
    facilitator = createFacilitator({
      schemes: [exactEvmFacilitator()],
      ledger,
      chains: [
        evmChain({
          network: world.network,
          rpcUrls: [world.rpcUrl],
          signers: [world.accounts.facilitator.account],
        }),
      ],
    });
  });
  afterAll(async () => {
    await facilitator.close();
    await ledger.close();
    await stopLedger();
    await world.stop();
  });

  const fresh = async (price = "$0.01", payTo = world.newAccount().address) => {
    const requirements = requirementsOf(price, payTo);
    return { payTo, request: await signedRequest(world.accounts.payer.account, requirements) };
  };
  const sentBySigner = () =>
    world.client.getTransactionCount({ address: world.accounts.facilitator.address });

  test("50 identical settles of one named request: one transaction, 50 times the same success", async () => {
    const { payTo, request } = await fresh();
    const before = await sentBySigner();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => facilitator.settle(request, { idempotencyKey: "order-1" })),
    );
    expect(answers.every((answer) => answer.success)).toBe(true);
    expect(new Set(answers.map((answer) => answer.transaction)).size).toBe(1);
    expect(await sentBySigner()).toBe(before + 1);
    expect(await world.transfersTo(payTo)).toHaveLength(1);
  });

  test("50 identical settles without a key: one transaction, success handed out once", async () => {
    const { payTo, request } = await fresh();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => facilitator.settle(request)),
    );
    expect(answers.filter((answer) => answer.success)).toHaveLength(1);
    const others = answers.filter((answer) => !answer.success);
    expect(new Set(others.map((answer) => answer.errorReason))).toEqual(
      new Set(["duplicate_settlement"]),
    );
    expect(await world.transfersTo(payTo)).toHaveLength(1);
  });

  test("50 different payments at once from one signer: all settled", async () => {
    const payTo = world.newAccount().address;
    const requests = await Promise.all(
      Array.from({ length: 50 }, async () => (await fresh("$0.01", payTo)).request),
    );
    const answers = await Promise.all(requests.map((request) => facilitator.settle(request)));
    expect(answers.filter((answer) => !answer.success)).toEqual([]);
    expect(new Set(answers.map((answer) => answer.transaction)).size).toBeLessThan(50);
    expect(await world.balanceOf(payTo)).toBe(500_000n);
  });

  test("a success belongs to its claimant and its requirements", async () => {
    const { request } = await fresh();
    expect(await facilitator.settle(request, { idempotencyKey: "mine" })).toMatchObject({
      success: true,
    });
    expect(await facilitator.settle(request, { idempotencyKey: "mine" })).toMatchObject({
      success: true,
    });
    for (const options of [{ idempotencyKey: "other" }, {}]) {
      expect(await facilitator.settle(request, options)).toMatchObject({
        success: false,
        errorReason: "duplicate_settlement",
      });
    }
    const otherTerms = { ...request.paymentRequirements, maxTimeoutSeconds: 60 };
    expect(
      await facilitator.settle(
        { ...request, paymentRequirements: otherTerms },
        { idempotencyKey: "mine" },
      ),
    ).toMatchObject({ success: false, errorReason: "duplicate_settlement" });
  });

  test("a settled payment does not verify for a stranger, and does for its claimant", async () => {
    const { request } = await fresh();
    expect(await facilitator.verify(request)).toMatchObject({ isValid: true });
    await facilitator.settle(request, { idempotencyKey: "mine" });
    expect(await facilitator.verify(request, { idempotencyKey: "mine" })).toMatchObject({
      isValid: true,
    });
    expect(await facilitator.verify(request)).toMatchObject({
      isValid: false,
      invalidReason: "duplicate_settlement",
    });
  });

  test("an unpayable payment is refused with its reason and leaves nothing behind", async () => {
    const poor = world.newAccount();
    const requirements = requirementsOf("$0.01", world.accounts.payee.address);
    const request = await signedRequest(poor.account, requirements);
    const refusal = { success: false, errorReason: "invalid_exact_evm_insufficient_balance" };
    expect(await facilitator.settle(request)).toMatchObject(refusal);
    await world.fundToken(poor.address, 10_000n);
    expect(await facilitator.settle(request)).toMatchObject({ success: true });
  });
});
