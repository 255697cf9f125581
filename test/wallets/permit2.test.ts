/** Wallets that pay with Permit2, in `exact` and `upto`: alone, once, and at their own risk. */
import type { Hex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MULTICALL3_ADDRESS } from "../../contracts-abi/multicall3.ts";
import type { FacilitatorRequest } from "../../src/core/messages.ts";
import type { SettlementCall } from "../../src/core/scheme.ts";
import { exactEvmFacilitator, KNOWN_ASSETS } from "../../src/evm/facilitator.ts";
import { uptoEvm, type EvmSigner } from "../../src/evm/index.ts";
import type { LocalWorld, TestAccount } from "../../src/testing/index.ts";
import {
  installGasBombWallet,
  installSimulationAwareWallet,
} from "../hostile/install-contracts.ts";
import { signedRequest } from "../setup/payments.ts";
import { PLAIN, permit2Payer, plainRequirements, uptoRequirements } from "../setup/permit2.ts";
import { allowAs, newPermit2Wallet, permit2Wallet } from "./permit2.ts";
import {
  bytesSigner,
  startWalletWorld,
  walletSigner,
  wrappedSigner,
  type WalletFacilitator,
  type WalletFacilitatorOptions,
  type WalletWorld,
} from "./world.ts";

const AMOUNT = 10_000n;
const assets = [PLAIN, ...KNOWN_ASSETS];
let wallets: WalletWorld;
let world: LocalWorld;
let facilitator: WalletFacilitator;
let owner: TestAccount;

beforeAll(async () => {
  wallets = await startWalletWorld();
  world = wallets.world;
  facilitator = await start();
  owner = world.newAccount();
});
afterAll(() => wallets?.stop());

const start = (options: WalletFacilitatorOptions = {}) =>
  wallets.facilitator({ ...options, scheme: { assets, ...options.scheme } });

interface Signed {
  readonly request: FacilitatorRequest;
  readonly payTo: Hex;
}

async function exact(signer: EvmSigner): Promise<Signed> {
  const payTo = world.newAccount().address;
  return { payTo, request: await signedRequest(signer, plainRequirements(payTo)) };
}

async function upto(signer: EvmSigner, by = facilitator): Promise<Signed> {
  const payTo = world.newAccount().address;
  const requirements = uptoRequirements(payTo, by.signer.address);
  const payload = await uptoEvm({ account: signer }).createPayload(requirements, {
    nowSeconds: Math.floor(Date.now() / 1000),
    lifetimeSeconds: 300,
    x402Version: 2,
  });
  const paymentPayload = { x402Version: 2 as const, accepted: requirements, payload };
  return { payTo, request: { x402Version: 2, paymentPayload, paymentRequirements: requirements } };
}

const received = (payTo: Hex) => world.balanceOf(payTo, PLAIN.address);
const sentBy = ({ signer }: WalletFacilitator) =>
  world.client.getTransactionCount({ address: signer.address });

async function expectRefused({ request }: Signed, reason: string, by = facilitator) {
  expect(await by.verify(request)).toMatchObject({ invalidReason: reason });
  expect(await by.settle(request)).toMatchObject({ errorReason: reason });
}

test("wallets go alone, and the others of the same moment in one transaction", async () => {
  const signers = [
    walletSigner(await permit2Wallet(world, owner), owner),
    wrappedSigner(await newPermit2Wallet(world, owner), owner),
    wrappedSigner(await permit2Wallet(world, owner), owner),
    (await permit2Payer(world)).account,
    (await permit2Payer(world)).account,
  ];
  const delegating = await permit2Payer(world);
  await world.delegateAccount(delegating);
  const signed = await Promise.all([...signers, delegating.account].map((each) => exact(each)));
  for (const { request } of signed)
    expect(await facilitator.verify(request)).toMatchObject({ isValid: true });
  const settled = await Promise.all(
    signed.map(({ request }) => facilitator.settle(request, { idempotencyKey: "a" })),
  );
  expect(settled.map(({ success, errorReason }) => errorReason ?? success)).toEqual(
    settled.map(() => true),
  );
  const hashes = settled.map(({ transaction }) => transaction);
  expect(new Set(hashes).size).toBe(5);
  expect(hashes[3]).toBe(hashes[4]);
  for (const { payTo } of signed) expect(await received(payTo)).toBe(AMOUNT);
});

describe("once", () => {
  test.each(["exact", "upto"])("%s, however many ask at the same time", async (scheme) => {
    const wallet = await permit2Wallet(world, owner);
    const { request, payTo } = await (scheme === "exact" ? exact : upto)(
      walletSigner(wallet, owner),
    );
    const settled = await Promise.all(
      Array.from({ length: 10 }, () => facilitator.settle(request)),
    );
    expect(settled.filter(({ success }) => success).length).toBe(1);
    expect(await received(payTo)).toBe(AMOUNT);
  });

  test("although somebody else sends the same bytes first, with the making of the wallet", async () => {
    let before = async (): Promise<void> => undefined;
    const careful = await start({
      step: async (step) => (step === "signed" ? before() : undefined),
    });
    const signed = await exact(wrappedSigner(await newPermit2Wallet(world, owner), owner));
    const hashes: Hex[] = [];
    before = async () => {
      before = async () => undefined;
      const { to, data } = settlementCallOf(signed.request);
      expect(to).toBe(MULTICALL3_ADDRESS);
      const account = world.accounts.deployer.account;
      hashes.push(await world.client.sendTransaction({ account, to, data }));
      await world.client.waitForTransactionReceipt({ hash: hashes[0]! });
    };
    const answer = await careful.settle(signed.request, { idempotencyKey: "order" });
    expect(answer).toMatchObject({ success: true, transaction: hashes[0] });
    expect(await received(signed.payTo)).toBe(AMOUNT);
  });

  function settlementCallOf({ paymentPayload, paymentRequirements }: FacilitatorRequest) {
    const scheme = exactEvmFacilitator({
      assets,
      erc6492Factories: [{ address: world.contracts.walletFactory }],
    });
    const now = Math.floor(Date.now() / 1000);
    const checked = scheme.check(paymentPayload, paymentRequirements, now);
    if (!("payment" in checked)) throw new Error(checked.reason);
    return scheme.settlementCall(checked.payment) satisfies SettlementCall;
  }
});

describe("is refused, and nothing is sent", () => {
  test("what the wallet did not sign", async () => {
    const wallet = await permit2Wallet(world, owner);
    const before = await sentBy(facilitator);
    for (const signer of [
      walletSigner(wallet, world.newAccount()),
      bytesSigner(wallet.address),
      bytesSigner(wallet.address, `0x${"11".repeat(2048)}`),
    ]) {
      await expectRefused(await exact(signer), "invalid_permit2_signature");
      await expectRefused(await upto(signer), "invalid_permit2_signature");
    }
    expect(await sentBy(facilitator)).toBe(before);
  });

  test("a wallet whose factory is not on the list, until it is there", async () => {
    const strict = await start({ scheme: { erc6492Factories: [] } });
    const wallet = await newPermit2Wallet(world, owner);
    const signed = [
      await exact(wrappedSigner(wallet, owner)),
      await upto(wrappedSigner(wallet, owner), strict),
    ] as const;
    await expectRefused(signed[0], "eip6492_factory_not_allowed", strict);
    await expectRefused(signed[1], "upto_wallet_not_deployed", strict);
    expect(await sentBy(strict)).toBe(0);
    await world.deploySmartWallet(wallet);
    for (const { request, payTo } of signed) {
      expect(await strict.settle(request)).toMatchObject({ success: true });
      expect(await received(payTo)).toBe(AMOUNT);
    }
  });

  test("a new wallet without an allowance, or where the proxy is not", async () => {
    const wallet = await world.newSmartWallet(owner.address, { deploy: false });
    await world.fundToken(wallet.address, AMOUNT, PLAIN.address);
    const poor = await exact(wrappedSigner(wallet, owner));
    await expectRefused(poor, "permit2_allowance_required");

    const elsewhere = await start();
    const signed = await exact(wrappedSigner(await newPermit2Wallet(world, owner), owner));
    const { exactPermit2Proxy: address } = world.contracts;
    const bytecode = (await world.client.getCode({ address }))!;
    await world.client.setCode({ address, bytecode: "0x" });
    try {
      await expectRefused(signed, "permit2_proxy_not_deployed", elsewhere);
      expect(await sentBy(elsewhere)).toBe(0);
    } finally {
      await world.client.setCode({ address, bytecode });
    }
  });

  test.each(["exact", "upto"])("%s: bombs, and wallets that know a simulation", async (scheme) => {
    const sign = scheme === "exact" ? exact : upto;
    const [bomb, aware] = [world.newAccount().address, world.newAccount().address];
    for (const address of [bomb, aware]) await allowAs(world, address);
    await installGasBombWallet(world.client, bomb);
    await installSimulationAwareWallet(world.client, aware);
    const before = await sentBy(facilitator);
    await expectRefused(await sign(bytesSigner(bomb)), "invalid_permit2_signature");
    const { request } = await sign(bytesSigner(aware));
    expect(await facilitator.verify(request)).toMatchObject({ isValid: false });
    expect(await facilitator.settle(request)).toMatchObject({ success: false, transaction: "" });
    expect(await sentBy(facilitator)).toBe(before);
  });
});

test.each(["exact", "upto"])(
  "%s: a wallet that passes the simulation and fails in a block burns bounded gas, and is refused",
  async (scheme) => {
    const address = world.newAccount().address;
    await allowAs(world, address);
    let before = async (): Promise<void> => undefined;
    const careful = await start({
      step: async (step) => (step === "simulated" ? before() : undefined),
    });
    const wallet = await permit2Wallet(world, owner);
    const bytecode = (await world.client.getCode({ address: wallet.address }))!;
    await world.client.setCode({ address, bytecode });
    before = async () => {
      before = async () => undefined;
      await installGasBombWallet(world.client, address);
    };
    const signer = walletSigner({ ...wallet, address }, owner);
    const sign = () => (scheme === "exact" ? exact(signer) : upto(signer, careful));
    const { request } = await sign();
    const settled = await careful.settle(request);
    expect(settled).toMatchObject({ errorReason: `invalid_${scheme}_evm_transaction_failed` });
    const hash = settled.transaction as Hex;
    const { gasUsed } = await world.client.getTransactionReceipt({ hash });
    expect(gasUsed).toBeLessThanOrEqual(400_000n);
    expect(careful.events).toContainEqual(expect.objectContaining({ type: "wallet_punished" }));
    await world.client.setCode({ address, bytecode });
    await expectRefused(await sign(), "wallet_refused", careful);
  },
);
