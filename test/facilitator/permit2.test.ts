import { encodeFunctionData, type Address, type Hex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { x402ExactPermit2ProxyAbi } from "../../contracts-abi/x402-exact-permit2-proxy.ts";
import { createFacilitator, evmChain, type FacilitatorEngine } from "../../facilitator/index.ts";
import type { Step } from "../../facilitator/settlement/options.ts";
import type { FacilitatorRequest } from "../../src/core/messages.ts";
import { exactEvmFacilitator, KNOWN_ASSETS, type EvmAsset } from "../../src/evm/facilitator.ts";
import { memoryLedger, type Ledger } from "../../src/ledger/index.ts";
import { startLocalWorld, type LocalWorld, type TestAccount } from "../../src/testing/index.ts";
import { installHostileToken } from "../hostile/install-contracts.ts";
import { signedRequest } from "../setup/payments.ts";
import { PLAIN, permit2Payer, plainRequirements } from "../setup/permit2.ts";
import { permit2Payment, signPermit2 } from "../testing/permit2-signing.ts";

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
  readonly signer?: TestAccount;
  readonly step?: (step: Step) => Promise<void> | void;
  readonly assets?: readonly EvmAsset[];
  readonly now?: () => number;
  readonly settleTimeoutMs?: number;
}

async function start({ ledger = memoryLedger(), signer, assets, ...options }: Options = {}) {
  const account = signer ?? world.newAccount();
  if (signer === undefined) await world.fundEther(account.address, 10n ** 18n);
  const facilitator = createFacilitator({
    schemes: [exactEvmFacilitator({ assets: [...(assets ?? []), PLAIN, ...KNOWN_ASSETS] })],
    ledger,
    chains: [
      evmChain({
        network: world.network,
        rpcUrls: [world.rpcUrl],
        signers: [account.account],
      }),
    ],
    ...options,
  });
  facilitators.push(facilitator);
  const sent = () => world.client.getTransactionCount({ address: account.address });
  return { facilitator, signer: account, sent };
}

async function pay(payer?: TestAccount, change = {}, payTo = world.newAccount().address) {
  const from = payer ?? (await permit2Payer(world));
  const request = await signedRequest(from.account, plainRequirements(payTo, change));
  return { payTo, request, payer: from };
}

type Permit = {
  from: Address;
  permitted: { token: Address; amount: string };
  nonce: string;
  deadline: string;
  witness: { to: Address; validAfter: string };
};
const permitOf = ({ paymentPayload }: FacilitatorRequest) =>
  paymentPayload.payload as unknown as { signature: Hex; permit2Authorization: Permit };

/** Calldata of the proxy, as viem makes it. */
function settleData(request: FacilitatorRequest): Hex {
  const { signature, permit2Authorization: permit } = permitOf(request);
  const { token, amount } = permit.permitted;
  return encodeFunctionData({
    abi: x402ExactPermit2ProxyAbi,
    functionName: "settle",
    args: [
      {
        permitted: { token, amount: BigInt(amount) },
        nonce: BigInt(permit.nonce),
        deadline: BigInt(permit.deadline),
      },
      permit.from,
      { to: permit.witness.to, validAfter: BigInt(permit.witness.validAfter) },
      signature,
    ],
  });
}

/** Settles it as somebody else who has seen it. */
async function frontRun(request: FacilitatorRequest): Promise<Hex> {
  const hash = await world.client.sendTransaction({
    account: world.accounts.deployer.account,
    to: world.contracts.exactPermit2Proxy,
    data: settleData(request),
  });
  await world.client.waitForTransactionReceipt({ hash });
  return hash;
}

const received = (payTo: Address) => world.balanceOf(payTo, PLAIN.address);

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

describe("somebody else sends it first", () => {
  test.each(["directly", "through Multicall3"])(
    "after the claim, %s: the claimant is told success, and a stranger is not",
    async (way) => {
      let transaction: Hex | undefined;
      let before = async (): Promise<void> => undefined;
      const { facilitator, sent } = await start({
        step: async (step) => (step === "claimed" ? before() : undefined),
      });
      const { request, payTo } = await pay();
      before = async () => {
        before = async () => undefined;
        transaction =
          way === "directly" ? await frontRun(request) : await frontRunTogether(request);
      };
      const answer = await facilitator.settle(request, { idempotencyKey: "order" });
      expect(answer).toMatchObject({ success: true, transaction });
      expect(await facilitator.settle(request, { idempotencyKey: "stranger" })).toMatchObject({
        success: false,
        errorReason: "duplicate_settlement",
      });
      expect(await sent()).toBe(0);
      expect(await received(payTo)).toBe(10_000n);
    },
  );

  test("together with another of the same payer: neither a success nor a failure is told", async () => {
    let before = async (): Promise<void> => undefined;
    const { facilitator } = await start({
      step: async (step) => (step === "claimed" ? before() : undefined),
      settleTimeoutMs: 1000,
    });
    const { request, payTo, payer } = await pay();
    const twin = await pay(payer, {}, payTo);
    before = async () => {
      before = async () => undefined;
      await frontRunTogether(request, twin.request);
    };
    const named = { idempotencyKey: "order" };
    await expect(facilitator.settle(request, named)).rejects.toMatchObject({ retry: "unsafe" });
    await expect(facilitator.settle(request, named)).rejects.toMatchObject({ retry: "unsafe" });
    expect(await received(payTo)).toBe(20_000n);
  });

  /** With another payment, through Multicall3. */
  async function frontRunTogether(
    request: FacilitatorRequest,
    another?: FacilitatorRequest,
  ): Promise<Hex> {
    const other = another ?? (await pay()).request;
    const calls = [other, request].map((each) => ({
      target: world.contracts.exactPermit2Proxy as Address,
      allowFailure: true,
      callData: settleData(each),
    }));
    const hash = await world.client.writeContract({
      account: world.accounts.deployer.account,
      address: world.contracts.multicall3,
      abi: [
        {
          type: "function",
          name: "aggregate3",
          stateMutability: "payable",
          inputs: [
            {
              name: "calls",
              type: "tuple[]",
              components: [
                { name: "target", type: "address" },
                { name: "allowFailure", type: "bool" },
                { name: "callData", type: "bytes" },
              ],
            },
          ],
          outputs: [],
        },
      ],
      functionName: "aggregate3",
      args: [calls],
      gas: 800_000n,
    });
    await world.client.waitForTransactionReceipt({ hash });
    return hash;
  }

  test("long before the claim: it is used", async () => {
    const { facilitator } = await start();
    const { request, payTo } = await pay();
    await frontRun(request);
    await world.increaseTime(10);
    await new Promise((resolve) => setTimeout(resolve, 3500));
    expect(await facilitator.verify(request)).toMatchObject({
      invalidReason: "permit2_invalid_nonce",
    });
    expect(await facilitator.settle(request)).toMatchObject({
      success: false,
      errorReason: "permit2_invalid_nonce",
    });
    expect(await received(payTo)).toBe(10_000n);
  }, 15_000);

  test("the payer cancels it after the claim, while a twin of it is paid: it is refused", async () => {
    let before = async (): Promise<void> => undefined;
    const { facilitator } = await start({
      step: async (step) => (step === "claimed" ? before() : undefined),
    });
    const { request, payTo, payer } = await pay();
    const twin = await pay(payer, {}, payTo);
    before = async () => {
      before = async () => undefined;
      const nonce = BigInt(permitOf(request).permit2Authorization.nonce);
      const hash = await world.client.writeContract({
        account: payer.account,
        address: world.contracts.permit2,
        abi: [
          {
            type: "function",
            name: "invalidateUnorderedNonces",
            stateMutability: "nonpayable",
            inputs: [
              { name: "wordPos", type: "uint256" },
              { name: "mask", type: "uint256" },
            ],
            outputs: [],
          },
        ],
        functionName: "invalidateUnorderedNonces",
        args: [nonce >> 8n, 1n << (nonce & 255n)],
      });
      await world.client.waitForTransactionReceipt({ hash });
      await frontRun(twin.request);
    };
    expect(await facilitator.settle(request, { idempotencyKey: "order" })).toMatchObject({
      success: false,
      errorReason: "permit2_invalid_nonce",
    });
    expect(await received(payTo)).toBe(10_000n);
  });
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

describe("is refused with its reason", () => {
  test("nothing allowed, too little allowed, too little there", async () => {
    const { facilitator, sent } = await start();
    const reasonOf = async (options: Parameters<typeof permit2Payer>[1]) => {
      const { request } = await pay(await permit2Payer(world, options));
      const { invalidReason } = await facilitator.verify(request);
      expect(await facilitator.settle(request)).toMatchObject({ errorReason: invalidReason });
      return invalidReason;
    };
    expect(await reasonOf({ allowance: 0n })).toBe("permit2_allowance_required");
    expect(await reasonOf({ allowance: 9999n })).toBe("permit2_allowance_required");
    expect(await reasonOf({ funds: 9999n })).toBe("permit2_insufficient_balance");
    expect(await sent()).toBe(0);
  });

  test("more payments than the balance pays for", async () => {
    const { facilitator } = await start();
    const payer = await permit2Payer(world, { funds: 15_000n });
    const [first, second] = [await pay(payer), await pay(payer)];
    expect(await facilitator.verify(first.request)).toMatchObject({ isValid: true });
    expect(await facilitator.verify(second.request)).toMatchObject({
      invalidReason: "permit2_insufficient_balance",
    });
  });

  test("an amount and a payee that the proxy does not take", async () => {
    const { facilitator } = await start();
    const nothing = await pay(undefined, { amount: "0" });
    expect(await facilitator.verify(nothing.request)).toMatchObject({
      invalidReason: "permit2_invalid_amount",
    });
    const nobody = await pay(undefined, {}, `0x${"00".repeat(20)}`);
    expect(await facilitator.verify(nobody.request)).toMatchObject({
      invalidReason: "permit2_invalid_destination",
    });
  });

  test("a token that is not there, or that refuses", async () => {
    const asset = world.newAccount().address;
    const frozen: EvmAsset = { ...PLAIN, address: asset };
    const { facilitator } = await start({ assets: [frozen] });
    const { request } = await pay(undefined, { asset });
    expect(await facilitator.verify(request)).toMatchObject({
      invalidReason: "asset_not_deployed_contract",
    });
    await world.client.setCode({ address: asset, bytecode: "0xfe" });
    expect(await facilitator.verify(request)).toMatchObject({
      invalidReason: "permit2_simulation_failed",
    });
  });

  test("a token that keeps a fee: what arrives is not the price", async () => {
    const address = world.newAccount().address;
    await installHostileToken(world.client, "fee", address);
    const { facilitator } = await start({ assets: [{ ...PLAIN, address }] });
    const { request, payTo } = await pay(await permit2Payer(world, { token: address }), {
      asset: address,
    });
    expect(await facilitator.settle(request)).toMatchObject({
      success: false,
      errorReason: "invalid_exact_evm_transfer_event_mismatch",
    });
    expect(await world.balanceOf(payTo, address)).toBeLessThan(10_000n);
  });

  test("where the proxy is not deployed", async () => {
    const elsewhere = await startLocalWorld();
    try {
      const { facilitator, signer } = await start();
      await elsewhere.client.setCode({
        address: elsewhere.contracts.exactPermit2Proxy,
        bytecode: "0x",
      });
      const there = createFacilitator({
        schemes: [exactEvmFacilitator({ assets: [PLAIN] })],
        ledger: memoryLedger(),
        chains: [
          evmChain({
            network: elsewhere.network,
            rpcUrls: [elsewhere.rpcUrl],
            signers: [signer.account],
          }),
        ],
      });
      facilitators.push(there);
      const { request } = await pay();
      expect(await facilitator.verify(request)).toMatchObject({ isValid: true });
      expect(await there.verify(request)).toMatchObject({
        invalidReason: "permit2_proxy_not_deployed",
      });
    } finally {
      await elsewhere.stop();
    }
  });

  test("a clock of the facilitator that is ahead of the chain's", async () => {
    const { facilitator } = await start({ now: () => Date.now() + 100_000 });
    const { request, payer } = await pay();
    const now = await world.now();
    const payment = permit2Payment(
      "exact",
      PLAIN.address,
      payer.address,
      request.paymentRequirements.payTo as Address,
      10_000n,
    );
    const early = {
      ...payment,
      permit: { ...payment.permit, deadline: BigInt(now + 1000) },
      witness: { ...payment.witness, validAfter: BigInt(now + 50) },
    };
    const signature = await signPermit2(payer, early);
    const payload = {
      signature,
      permit2Authorization: {
        from: payer.address,
        permitted: { token: PLAIN.address, amount: "10000" },
        spender: world.contracts.exactPermit2Proxy,
        nonce: early.permit.nonce.toString(),
        deadline: early.permit.deadline.toString(),
        witness: { to: early.witness.to, validAfter: early.witness.validAfter.toString() },
      },
    };
    const paymentPayload = { ...request.paymentPayload, payload };
    expect(await facilitator.verify({ ...request, paymentPayload })).toMatchObject({
      invalidReason: "permit2_payment_too_early",
    });
  });

  test("what was signed for another payee", async () => {
    const { facilitator } = await start();
    const { request } = await pay();
    const payTo = world.newAccount().address;
    const requirements = { ...request.paymentRequirements, payTo };
    expect(
      await facilitator.settle({ ...request, paymentRequirements: requirements }),
    ).toMatchObject({ errorReason: "invalid_permit2_recipient_mismatch" });
    const { signature, permit2Authorization: permit } = permitOf(request);
    const witness = { ...permit.witness, to: payTo };
    const payload = { signature, permit2Authorization: { ...permit, witness } };
    const forged = {
      ...request,
      paymentPayload: { ...request.paymentPayload, payload },
      paymentRequirements: requirements,
    };
    expect(await facilitator.settle(forged)).toMatchObject({
      errorReason: "invalid_permit2_signature",
    });
  });
});
