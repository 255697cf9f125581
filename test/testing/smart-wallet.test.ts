import {
  concat,
  encodeAbiParameters,
  encodeFunctionData,
  maxUint256,
  parseUnits,
  verifyHash,
  zeroAddress,
  type Address,
  type Hex,
} from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eip3009Abi } from "../../contracts-abi/eip3009.ts";
import { erc1271Abi, ERC1271_MAGIC_VALUE } from "../../contracts-abi/erc1271.ts";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { localWalletAbi } from "../../contracts-abi/local/local-wallet.ts";
import { localWalletFactoryAbi } from "../../contracts-abi/local/local-wallet-factory.ts";
import { x402ExactPermit2ProxyAbi } from "../../contracts-abi/x402-exact-permit2-proxy.ts";
import {
  smartWallet,
  startLocalWorld,
  wrapErc6492,
  type LocalWorld,
} from "../../src/testing/index.ts";
import { authorization, sign, sixArgs, type Authorization } from "./eip3009-signing.ts";
import { permit2Payment, signPermit2 } from "./permit2-signing.ts";

const HASH = `0x${"42".repeat(32)}` as const;
let world: LocalWorld;

beforeAll(async () => {
  world = await startLocalWorld();
});
afterAll(() => world?.stop());

const ask = (address: Address, signature: Hex) =>
  world.client.readContract({
    address,
    abi: erc1271Abi,
    functionName: "isValidSignature",
    args: [HASH, signature],
  });

async function transferWithAuthorization(auth: Authorization, signature: Hex) {
  const hash = await world.client.writeContract({
    address: world.token,
    abi: eip3009Abi,
    functionName: "transferWithAuthorization",
    args: [...sixArgs(auth), signature],
    account: world.accounts.facilitator.account,
  });
  return world.client.waitForTransactionReceipt({ hash });
}

describe("a smart wallet of the factory", () => {
  test("takes its owner's signatures, and makes calls for its owner only", async () => {
    const [owner, stranger] = [world.newAccount(), world.newAccount()];
    const { address } = await world.newSmartWallet(owner.address);
    expect(await ask(address, await owner.account.sign({ hash: HASH }))).toBe(ERC1271_MAGIC_VALUE);
    expect(await ask(address, await stranger.account.sign({ hash: HASH }))).toBe("0xffffffff");
    expect(await ask(address, "0x")).toBe("0xffffffff");
    const call = { address, abi: localWalletAbi, functionName: "execute" } as const;
    const args = [world.token, 0n, "0x06fdde03"] as const;
    await expect(
      world.client.simulateContract({ ...call, args, account: stranger.account }),
    ).rejects.toThrow(/NotAllowed/);
    await world.client.simulateContract({ ...call, args, account: owner.account });
  });

  test("is where its owner and salt say, and of one code everywhere", async () => {
    const owner = world.newAccount().address;
    const wallet = smartWallet(owner, HASH);
    const { walletFactory } = world.contracts;
    const address = await world.client.readContract({
      address: walletFactory,
      abi: localWalletFactoryAbi,
      functionName: "walletAddress",
      args: [owner, HASH],
    });
    expect(wallet).toMatchObject({ address, owner, factory: walletFactory });
    expect(await world.client.getCode({ address })).toBeUndefined();
    await world.deploySmartWallet(wallet);
    await world.deploySmartWallet(wallet); // does nothing
    expect(await world.client.getCode({ address })).toMatch(/^0x60/);
  });

  test("pays with Permit2", async () => {
    const [owner, payee] = [world.newAccount(), world.newAccount()];
    const { address } = await world.newSmartWallet(owner.address);
    await world.fundToken(address, 50_000n);
    await world.fundEther(owner.address, parseUnits("1", 18));
    const { permit2, exactPermit2Proxy } = world.contracts;
    const approve = encodeFunctionData({
      abi: erc20Abi,
      functionName: "approve",
      args: [permit2, maxUint256],
    });
    const approved = await world.client.writeContract({
      address,
      abi: localWalletAbi,
      functionName: "execute",
      args: [world.token, 0n, approve],
      account: owner.account,
    });
    await world.client.waitForTransactionReceipt({ hash: approved });
    const payment = permit2Payment("exact", world.token, address, payee.address, 10_000n);
    const hash = await world.client.writeContract({
      address: exactPermit2Proxy,
      abi: x402ExactPermit2ProxyAbi,
      functionName: "settle",
      args: [payment.permit, address, payment.witness, await signPermit2(owner, payment)],
      account: world.accounts.facilitator.account,
    });
    await world.client.waitForTransactionReceipt({ hash });
    expect(await world.balanceOf(payee.address)).toBe(10_000n);
  });
});

describe("a wallet that is not on the chain yet", () => {
  test("wraps signatures as ERC-6492 says", async () => {
    const owner = world.newAccount();
    const wallet = await world.newSmartWallet(owner.address, { deploy: false });
    const signature = await owner.account.sign({ hash: HASH });
    const wrapped = wrapErc6492(wallet, signature);
    expect(wrapped).toBe(
      concat([
        encodeAbiParameters(
          [{ type: "address" }, { type: "bytes" }, { type: "bytes" }],
          [wallet.factory, wallet.factoryCalldata, signature],
        ),
        `0x${"6492".repeat(16)}`,
      ]),
    );
    // viem's universal validator deploys the wallet in a call and asks it.
    const check = (hash: Hex) =>
      world.client.verifyHash({ address: wallet.address, hash, signature: wrapped });
    expect(await check(HASH)).toBe(true);
    expect(await check(`0x${"43".repeat(32)}`)).toBe(false);
  });

  test("pays once its factory has made it", async () => {
    const [owner, payee] = [world.newAccount(), world.newAccount()];
    const wallet = await world.newSmartWallet(owner.address, { deploy: false });
    await world.fundToken(wallet.address, 50_000n);
    const auth = authorization(wallet.address, payee.address, 10_000n);
    const signature = await sign(owner, "TransferWithAuthorization", auth);
    await expect(transferWithAuthorization(auth, signature)).rejects.toThrow(/invalid signature/);
    const { facilitator } = world.accounts;
    const hash = await world.client.sendTransaction({
      account: facilitator.account,
      to: wallet.factory,
      data: wallet.factoryCalldata,
    });
    await world.client.waitForTransactionReceipt({ hash });
    await transferWithAuthorization(auth, signature);
    expect(await world.balanceOf(payee.address)).toBe(10_000n);
  });
});

describe("an account that delegates (EIP-7702)", () => {
  test("has the delegate's code, and still signs with its own key", async () => {
    const [payer, payee, stranger] = [world.newAccount(), world.newAccount(), world.newAccount()];
    const { address } = payer;
    await world.fundToken(address, 50_000n);
    await world.delegateAccount(payer);
    expect(await world.client.getCode({ address })).toBe(
      `0xef0100${world.contracts.accountDelegate.slice(2).toLowerCase()}`,
    );
    expect(await world.client.getTransactionCount({ address })).toBe(1);
    expect(await ask(address, await payer.account.sign({ hash: HASH }))).toBe(ERC1271_MAGIC_VALUE);
    expect(await ask(address, await stranger.account.sign({ hash: HASH }))).toBe("0xffffffff");
    const auth = authorization(address, payee.address, 10_000n);
    const foreign = await sign(stranger, "TransferWithAuthorization", auth);
    await expect(transferWithAuthorization(auth, foreign)).rejects.toThrow(/invalid signature/);
    await transferWithAuthorization(auth, await sign(payer, "TransferWithAuthorization", auth));
    expect(await world.balanceOf(payee.address)).toBe(10_000n);
  });

  test("may delegate to code that knows nothing of signatures, and take it back", async () => {
    const payer = world.newAccount();
    const { address } = payer;
    const signature = await payer.account.sign({ hash: HASH });
    await world.delegateAccount(payer, world.contracts.multicall3);
    await expect(ask(address, signature)).rejects.toThrow();
    await world.delegateAccount(payer, zeroAddress);
    expect(await world.client.getCode({ address })).toBeUndefined();
    expect(await verifyHash({ address, hash: HASH, signature })).toBe(true);
  });
});
