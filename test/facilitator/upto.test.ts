import type { Hex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFacilitator, evmChain, type FacilitatorEngine } from "../../facilitator/index.ts";
import type { Step } from "../../facilitator/settlement/options.ts";
import type { FacilitatorRequest } from "../../src/core/messages.ts";
import { KNOWN_ASSETS, uptoEvmFacilitator } from "../../src/evm/facilitator.ts";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import { memoryLedger, type Ledger } from "../../src/ledger/index.ts";
import { redisLedger } from "../../src/ledger/redis.ts";
import { startLocalWorld, type LocalWorld, type TestAccount } from "../../src/testing/index.ts";
import { newSigners } from "../fault/world.ts";
import { startRedis } from "../setup/redis.ts";
import { PLAIN, permit2Payer, uptoRequest, uptoRequirements } from "../setup/permit2.ts";

let world: LocalWorld;
const facilitators: FacilitatorEngine[] = [];
beforeAll(async () => {
  world = await startLocalWorld();
});
afterAll(async () => {
  await Promise.all(facilitators.map((each) => each.close(1000)));
  await world.stop();
});

interface Options {
  readonly ledger?: Ledger;
  readonly step?: (step: Step) => Promise<void> | void;
  readonly settleTimeoutMs?: number;
  readonly chain?: LocalWorld;
}

function start(
  signers: readonly TestAccount[],
  { ledger = memoryLedger(), chain = world, ...options }: Options = {},
) {
  const facilitator = createFacilitator({
    schemes: [uptoEvmFacilitator({ assets: [PLAIN, ...KNOWN_ASSETS] })],
    ledger,
    chains: [
      evmChain({
        network: chain.network,
        rpcUrls: [chain.rpcUrl],
        signers: signers.map(({ account }) => account),
      }),
    ],
    ...options,
  });
  facilitators.push(facilitator);
  return facilitator;
}

async function pay(signer: TestAccount, charge = "4000", payer?: TestAccount) {
  const payTo = world.newAccount().address;
  const requirements = uptoRequirements(payTo, signer.address);
  const from = payer ?? (await permit2Payer(world));
  const request = await uptoRequest(from, requirements, charge);
  return { request, payTo, payer: from, requirements };
}

const received = (payTo: Hex) => world.balanceOf(payTo, PLAIN.address);
const sentBy = ({ address }: TestAccount) => world.client.getTransactionCount({ address });
const whole = (request: FacilitatorRequest): FacilitatorRequest => ({
  ...request,
  paymentRequirements: request.paymentPayload.accepted,
});
const charging = (request: FacilitatorRequest, amount: string): FacilitatorRequest => ({
  ...request,
  paymentRequirements: { ...request.paymentRequirements, amount },
});

test("verified for the most, settled for what was used, once", async () => {
  const [signer] = await newSigners(world, 1);
  const facilitator = start([signer!]);
  const { request, payTo, payer } = await pay(signer!);
  expect(await facilitator.verify(whole(request))).toEqual({
    isValid: true,
    payer: payer.address,
  });
  const named = { idempotencyKey: "order" };
  const answer = await facilitator.settle(request, named);
  expect(answer).toMatchObject({ success: true, amount: "4000", payer: payer.address });
  expect(await facilitator.settle(request, named)).toEqual(answer);
  expect(await facilitator.settle(charging(request, "6000"), named)).toMatchObject({
    errorReason: "duplicate_settlement",
  });
  expect(await received(payTo)).toBe(4000n);
  const receipt = await world.client.getTransactionReceipt({ hash: answer.transaction as Hex });
  expect(Number(receipt.gasUsed)).toBeLessThan(170_000);
});

test("50 identical settles give one transaction", async () => {
  const [signer] = await newSigners(world, 1);
  const facilitator = start([signer!]);
  const { request, payTo } = await pay(signer!);
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => facilitator.settle(request, { idempotencyKey: "order" })),
  );
  expect(new Set(answers.map(({ transaction }) => transaction)).size).toBe(1);
  expect(answers.every(({ success }) => success)).toBe(true);
  expect(await sentBy(signer!)).toBe(1);
  expect(await received(payTo)).toBe(4000n);
});

test("nothing used: a success without a transaction, and the payment is used up", async () => {
  const [signer] = await newSigners(world, 1);
  const facilitator = start([signer!]);
  const { request, payTo } = await pay(signer!, "0");
  const named = { idempotencyKey: "order" };
  const answers = await Promise.all([1, 2, 3].map(() => facilitator.settle(request, named)));
  for (const answer of answers) {
    expect(answer).toMatchObject({ success: true, transaction: "", amount: "0" });
  }
  for (const later of [charging(request, "4000"), whole(request)]) {
    expect(await facilitator.settle(later, named)).toMatchObject({
      success: false,
      errorReason: "duplicate_settlement",
    });
  }
  expect(await facilitator.settle(request, { idempotencyKey: "stranger" })).toMatchObject({
    errorReason: "duplicate_settlement",
  });
  expect(await facilitator.verify(whole(request), named)).toMatchObject({
    invalidReason: "duplicate_settlement",
  });
  expect(await sentBy(signer!)).toBe(0);
  expect(await received(payTo)).toBe(0n);
});

test("nothing used, with a ledger in Redis", async () => {
  const redis = await startRedis();
  const ledger = redisLedger(connectRedis(redis.url));
  try {
    const [signer] = await newSigners(world, 1);
    const facilitator = start([signer!], { ledger });
    const { request } = await pay(signer!, "0");
    const named = { idempotencyKey: "order" };
    for (let time = 0; time < 2; time++) {
      expect(await facilitator.settle(request, named)).toMatchObject({
        success: true,
        transaction: "",
        amount: "0",
      });
    }
    expect(await facilitator.settle(whole(request), named)).toMatchObject({
      errorReason: "duplicate_settlement",
    });
    await facilitator.close(1000);
  } finally {
    await ledger.close();
    await redis.stop();
  }
});

test("nothing used, told to nobody in particular: once", async () => {
  const [signer] = await newSigners(world, 1);
  const facilitator = start([signer!]);
  const { request } = await pay(signer!, "0");
  const answers = await Promise.all([1, 2, 3].map(() => facilitator.settle(request)));
  expect(answers.filter(({ success }) => success)).toHaveLength(1);
});

test("is offered only where its proxy is", async () => {
  const [signer] = await newSigners(world, 1);
  const elsewhere = await startLocalWorld();
  try {
    const { uptoPermit2Proxy } = world.contracts;
    await elsewhere.client.setCode({ address: uptoPermit2Proxy, bytecode: "0x" });
    const bare = start([signer!], { chain: elsewhere });
    expect((await bare.supported()).kinds).toEqual([]);
    const code = await world.client.getCode({ address: uptoPermit2Proxy });
    await elsewhere.client.setCode({ address: uptoPermit2Proxy, bytecode: code! });
    expect((await bare.supported()).kinds[0]).toMatchObject({ scheme: "upto" });
  } finally {
    await elsewhere.stop();
  }
});

describe("is refused", () => {
  test("more than was signed for, and another facilitator's", async () => {
    const [signer, stranger] = await newSigners(world, 2);
    const facilitator = start([signer!]);
    const { request } = await pay(signer!, "10001");
    expect(await facilitator.settle(request)).toMatchObject({
      errorReason: "invalid_upto_evm_payload_settlement_exceeds_amount",
    });
    const { request: foreign } = await pay(stranger!);
    for (const answer of [facilitator.verify(whole(foreign)), facilitator.settle(foreign)]) {
      const { invalidReason, errorReason } = (await answer) as Record<string, unknown>;
      expect(invalidReason ?? errorReason).toBe("upto_facilitator_mismatch");
    }
  });

  test("without an allowance, and with a nonce that is used", async () => {
    const [signer] = await newSigners(world, 1);
    const facilitator = start([signer!]);
    const { request } = await pay(signer!, "4000", await permit2Payer(world, { allowance: 9999n }));
    expect(await facilitator.verify(whole(request))).toMatchObject({
      invalidReason: "permit2_allowance_required",
    });
    const { request: used } = await pay(signer!);
    expect(await facilitator.settle(used)).toMatchObject({ success: true });
    expect(await start([signer!]).verify(whole(used))).toMatchObject({
      invalidReason: "permit2_invalid_nonce",
    });
  }, 20_000);

  test("when its transaction is mined and reverts", async () => {
    const [signer] = await newSigners(world, 1);
    const payer = await permit2Payer(world, { funds: 4000n });
    let drain = async (): Promise<void> => undefined;
    const facilitator = start([signer!], {
      step: async (step) => (step === "simulated" ? drain() : undefined),
    });
    const { request, payTo } = await pay(signer!, "4000", payer);
    drain = async () => {
      drain = async () => undefined;
      const hash = await world.client.writeContract({
        account: payer.account,
        address: PLAIN.address,
        abi: [
          {
            type: "function",
            name: "transfer",
            stateMutability: "nonpayable",
            inputs: [
              { name: "to", type: "address" },
              { name: "value", type: "uint256" },
            ],
            outputs: [{ name: "", type: "bool" }],
          },
        ],
        functionName: "transfer",
        args: [world.accounts.deployer.address, 4000n],
      });
      await world.client.waitForTransactionReceipt({ hash });
    };
    expect(await facilitator.settle(request)).toMatchObject({
      success: false,
      errorReason: "invalid_upto_evm_transaction_failed",
    });
    expect(await received(payTo)).toBe(0n);
  });
});

describe("the signer that a payment is bound to", () => {
  test("sends it, whichever else is idle", async () => {
    const signers = await newSigners(world, 3);
    const facilitator = start(signers);
    for (const signer of signers.toReversed()) {
      const { request, payTo } = await pay(signer);
      const { transaction } = await facilitator.settle(request);
      const { from } = await world.client.getTransaction({ hash: transaction as Hex });
      expect(from).toBe(signer.address.toLowerCase());
      expect(await received(payTo)).toBe(4000n);
    }
    expect((await facilitator.supported()).kinds[0]?.extra).toEqual({
      facilitatorAddress: signers[0]!.address,
      facilitatorAddresses: signers.map(({ address }) => address),
    });
  });

  test("is leased by another replica: the payment waits for the lane, and gets it", async () => {
    const ledger = memoryLedger();
    const signers = await newSigners(world, 2);
    const replicas = [start(signers, { ledger }), start(signers, { ledger })];
    for (const replica of replicas) replica.start();
    await new Promise((resolve) => setTimeout(resolve, 2500)); // each has one
    const payments = await Promise.all(
      replicas.flatMap((replica) =>
        signers.map(async (signer) => ({ replica, ...(await pay(signer)) })),
      ),
    );
    const answers = await Promise.all(
      payments.map(({ replica, request }) => replica.settle(request)),
    );
    expect(answers.map(({ success }) => success)).toEqual(payments.map(() => true));
    for (const { payTo } of payments) expect(await received(payTo)).toBe(4000n);
    const sent = await Promise.all(signers.map(sentBy));
    expect(sent).toEqual([2, 2]);
  }, 60_000);

  test("is wanted by more replicas than there are: no payment waits for many turns", async () => {
    const ledger = memoryLedger();
    const signers = await newSigners(world, 2);
    const replicas = [1, 2, 3].map(() => start(signers, { ledger }));
    for (const replica of replicas) replica.start();
    const payer = await permit2Payer(world);
    const waits: number[] = [];
    const end = Date.now() + 25_000;
    const customers = replicas.flatMap((replica) =>
      signers.map(async (signer) => {
        while (Date.now() < end) {
          const { request } = await pay(signer, "10", payer);
          const startMs = Date.now();
          expect(await replica.settle(request)).toMatchObject({ success: true });
          waits.push(Date.now() - startMs);
        }
      }),
    );
    await Promise.all(customers);
    expect(Math.max(...waits)).toBeLessThan(15_000);
  }, 90_000);

  test("had it when the replica died: its successor finishes it", async () => {
    const ledger = memoryLedger();
    const signers = await newSigners(world, 2);
    const dead = start(signers, {
      ledger,
      settleTimeoutMs: 300,
      step: (step) => (step === "recorded" ? new Promise<never>(() => undefined) : undefined),
    });
    const { request, payTo } = await pay(signers[1]!);
    const named = { idempotencyKey: "order" };
    await dead.settle(request, named).catch(() => undefined);
    await dead.close(0).catch(() => undefined);
    const alive = start(signers, { ledger });
    expect(await alive.settle(request, named)).toMatchObject({ success: true, amount: "4000" });
    expect(await sentBy(signers[1]!)).toBe(1);
    expect(await received(payTo)).toBe(4000n);
  }, 30_000);
});
