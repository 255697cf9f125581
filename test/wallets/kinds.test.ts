import { zeroAddress, type Hex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MULTICALL3_ADDRESS } from "../../contracts-abi/multicall3.ts";
import type { LocalWorld, SmartWallet, TestAccount } from "../../src/testing/index.ts";
import {
  bytesSigner,
  payment,
  PRICE,
  startWalletWorld,
  walletSigner,
  wrappedSigner,
  type WalletFacilitator,
  type WalletWorld,
} from "./world.ts";

let wallets: WalletWorld;
let world: LocalWorld;
let facilitator: WalletFacilitator;
let owner: TestAccount;

beforeAll(async () => {
  wallets = await startWalletWorld();
  world = wallets.world;
  facilitator = await wallets.facilitator();
  owner = world.newAccount();
});
afterAll(() => wallets?.stop());

async function funded(deploy: boolean): Promise<SmartWallet> {
  const wallet = await world.newSmartWallet(owner.address, { deploy });
  await world.fundToken(wallet.address, 50_000n);
  return wallet;
}

/** Verifies and settles; the money moved once, and the receipt is the transaction's. */
async function expectSettled(signed: Awaited<ReturnType<typeof payment>>, payer: string) {
  const { request, payTo } = signed;
  expect(await facilitator.verify(request)).toMatchObject({ isValid: true, payer });
  const settled = await facilitator.settle(request);
  expect(settled).toMatchObject({ success: true, payer, amount: "10000" });
  expect(await world.transfersTo(payTo)).toMatchObject([
    { from: payer, value: PRICE, transactionHash: settled.transaction },
  ]);
  expect(await facilitator.settle(request)).toMatchObject({ errorReason: "duplicate_settlement" });
  const hash = settled.transaction as Hex;
  const { gasUsed } = await world.client.getTransactionReceipt({ hash });
  return { gasUsed, transaction: await world.client.getTransaction({ hash }) };
}

describe("a wallet with code (ERC-1271)", () => {
  test("pays with its owner's 65 bytes", async () => {
    const wallet = await funded(true);
    const signed = await payment(world, walletSigner(wallet, owner));
    const { transaction } = await expectSettled(signed, wallet.address);
    expect(transaction.input).toMatch(/^0xe3ee160e/);
    expect(transaction.gas).toBe(300_000n);
  });

  test("pays with a wrapped signature: its factory is not asked again", async () => {
    const wallet = await funded(true);
    const signed = await payment(world, wrappedSigner(wallet, owner));
    const { transaction } = await expectSettled(signed, wallet.address);
    expect(transaction.to).toBe(world.token.toLowerCase());
  });

  test("pays with a wrapped signature of a factory that is not on the list", async () => {
    const strict = await wallets.facilitator({ scheme: { erc6492Factories: [] } });
    const wallet = await funded(true);
    const { request } = await payment(world, wrappedSigner(wallet, owner));
    expect(await strict.verify(request)).toMatchObject({ isValid: true });
    expect(await strict.settle(request)).toMatchObject({ success: true });
  });

  test("is refused what it did not sign, before anything is claimed", async () => {
    const wallet = await funded(true);
    const stranger = world.newAccount();
    for (const signer of [
      walletSigner(wallet, stranger),
      bytesSigner(wallet.address),
      bytesSigner(wallet.address, `0x${"11".repeat(2048)}`),
    ]) {
      const { request } = await payment(world, signer);
      const reason = "invalid_exact_evm_signature";
      expect(await facilitator.verify(request)).toMatchObject({ invalidReason: reason });
      expect(await facilitator.settle(request)).toMatchObject({ errorReason: reason });
    }
  });
});

describe("a wallet that is not on the chain yet (ERC-6492)", () => {
  test("pays, and is made by its factory in the same transaction", async () => {
    const wallet = await funded(false);
    const signed = await payment(world, wrappedSigner(wallet, owner));
    const { transaction, gasUsed } = await expectSettled(signed, wallet.address);
    expect(transaction.to).toBe(MULTICALL3_ADDRESS.toLowerCase());
    expect(gasUsed).toBeLessThan(transaction.gas);
    expect(await world.client.getCode({ address: wallet.address })).toMatch(/^0x60/);
    const again = await payment(world, wrappedSigner(wallet, owner));
    expect((await expectSettled(again, wallet.address)).transaction.to).toBe(
      world.token.toLowerCase(),
    );
  });

  test("pays when somebody makes it between the check and the settlement", async () => {
    const wallet = await funded(false);
    const { request, payTo } = await payment(world, wrappedSigner(wallet, owner));
    expect(await facilitator.verify(request)).toMatchObject({ isValid: true });
    await world.deploySmartWallet(wallet);
    expect(await facilitator.settle(request)).toMatchObject({ success: true });
    expect(await world.balanceOf(payTo)).toBe(PRICE);
  });

  test("is refused when its factory, or the function, is not on the list", async () => {
    const { walletFactory } = world.contracts;
    const wallet = await funded(false);
    const { request } = await payment(world, wrappedSigner(wallet, owner));
    const lists = [
      [],
      [{ address: world.contracts.multicall3 }],
      [{ address: walletFactory, selectors: ["0x12345678"] }],
    ];
    for (const erc6492Factories of lists) {
      const strict = await wallets.facilitator({ scheme: { erc6492Factories } });
      const reason = "eip6492_factory_not_allowed";
      expect(await strict.verify(request)).toMatchObject({ invalidReason: reason });
      expect(await strict.settle(request)).toMatchObject({ errorReason: reason });
    }
    const selectors = [wallet.factoryCalldata.slice(0, 10)];
    const allowing = await wallets.facilitator({
      scheme: { erc6492Factories: [{ address: walletFactory, selectors }] },
    });
    expect(await allowing.settle(request)).toMatchObject({ success: true });
  });

  test("is refused when the factory makes another wallet, or nothing", async () => {
    const wallet = await funded(false);
    const other = await funded(false);
    for (const factoryCalldata of [other.factoryCalldata, "0x" as const]) {
      const { request } = await payment(
        world,
        wrappedSigner({ ...wallet, factoryCalldata }, owner),
      );
      const reason = "invalid_exact_evm_signature";
      expect(await facilitator.verify(request)).toMatchObject({ invalidReason: reason });
      expect(await facilitator.settle(request)).toMatchObject({ errorReason: reason });
    }
    const { request } = await payment(world, wrappedSigner(wallet, world.newAccount()));
    expect(await facilitator.verify(request)).toMatchObject({ isValid: false });
    expect(await world.client.getCode({ address: wallet.address })).toBeUndefined();
  });

  test("is refused a wrapper that is malformed, without a call to the chain", async () => {
    const suffix = "6492".repeat(16);
    const before = wallets.rpc.total;
    for (const bytes of ["", "11".repeat(65), "00".repeat(96), "ff".repeat(96)]) {
      const signer = bytesSigner(owner.address, `0x${bytes}${suffix}`);
      const { request } = await payment(world, signer);
      expect(await facilitator.verify(request)).toMatchObject({
        invalidReason: "eip6492_factory_not_allowed",
      });
    }
    expect(wallets.rpc.total - before).toBe(0);
  });
});

describe("an account with a key that delegates (EIP-7702)", () => {
  async function account(): Promise<TestAccount> {
    const payer = world.newAccount();
    await world.fundToken(payer.address, 50_000n);
    return payer;
  }

  test("pays with its own key, which its delegate takes for its owner's", async () => {
    const payer = await account();
    await world.delegateAccount(payer);
    await expectSettled(await payment(world, payer.account), payer.address);
  });

  test("pays when it delegates, or takes that back, between the check and the settlement", async () => {
    const payer = await account();
    for (const delegate of [world.contracts.accountDelegate, zeroAddress]) {
      const { request, payTo } = await payment(world, payer.account);
      expect(await facilitator.verify(request)).toMatchObject({ isValid: true });
      await world.delegateAccount(payer, delegate);
      expect(await facilitator.settle(request)).toMatchObject({ success: true });
      expect(await world.balanceOf(payTo)).toBe(PRICE);
    }
  });

  test("is refused when the token asks a delegate that knows nothing of signatures", async () => {
    const payer = await account();
    await world.delegateAccount(payer, MULTICALL3_ADDRESS);
    const { request } = await payment(world, payer.account);
    const reason = "invalid_exact_evm_transaction_simulation_failed";
    expect(await facilitator.verify(request)).toMatchObject({ invalidReason: reason });
    expect(await facilitator.settle(request)).toMatchObject({ errorReason: reason });
  });
});

test("wallets go alone, and the others of the same moment in one transaction", async () => {
  const deployed = await funded(true);
  const undeployed = await funded(false);
  const delegated = world.newAccount();
  await world.fundToken(delegated.address, 50_000n);
  await world.delegateAccount(delegated);
  const plain = await Promise.all(
    [1, 2, 3].map(() => payment(world, world.accounts.payer.account)),
  );
  const alone = await Promise.all([
    payment(world, walletSigner(deployed, owner)),
    payment(world, wrappedSigner(undeployed, owner)),
    payment(world, delegated.account),
  ]);
  const settled = await Promise.all(
    [...plain, ...alone].map(({ request }) => facilitator.settle(request)),
  );
  expect(settled.map(({ success, errorReason }) => errorReason ?? success)).toEqual(
    settled.map(() => true),
  );
  const hashes = settled.map(({ transaction }) => transaction);
  expect(new Set(hashes.slice(0, 3)).size).toBe(1);
  expect(new Set(hashes).size).toBe(4);
});
