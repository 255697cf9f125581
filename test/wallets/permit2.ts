/** Payers with Permit2 of every kind, with a token that has nothing else and an allowance of it. */
import { encodeFunctionData, maxUint256, type Hex } from "viem";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { localWalletAbi } from "../../contracts-abi/local/local-wallet.ts";
import type { LocalWorld, SmartWallet, TestAccount } from "../../src/testing/index.ts";
import { PLAIN } from "../setup/permit2.ts";

const approval = (spender: Hex): Hex =>
  encodeFunctionData({ abi: erc20Abi, functionName: "approve", args: [spender, maxUint256] });

/** A wallet whose owner has allowed Permit2 the token. The owner pays for that. */
export async function permit2Wallet(world: LocalWorld, owner: TestAccount): Promise<SmartWallet> {
  const wallet = await world.newSmartWallet(owner.address);
  await world.fundToken(wallet.address, 1_000_000n, PLAIN.address);
  await world.fundEther(owner.address, 10n ** 18n);
  const hash = await world.client.writeContract({
    account: owner.account,
    address: wallet.address,
    abi: localWalletAbi,
    functionName: "execute",
    args: [PLAIN.address, 0n, approval(world.contracts.permit2)],
  });
  await world.client.waitForTransactionReceipt({ hash });
  return wallet;
}

/** An allowance of an address without a key, as if its constructor had given it. */
export async function allowAs(
  world: LocalWorld,
  address: Hex,
  token: Hex = PLAIN.address,
): Promise<void> {
  const nonce = await world.client.getTransactionCount({ address });
  await world.fundToken(address, 1_000_000n, token);
  await world.fundEther(address, 10n ** 18n);
  await world.client.impersonateAccount({ address });
  const hash = await world.client.sendTransaction({
    account: address,
    to: token,
    data: approval(world.contracts.permit2),
  });
  await world.client.waitForTransactionReceipt({ hash });
  await world.client.stopImpersonatingAccount({ address });
  await world.client.setNonce({ address, nonce });
}

/** A wallet that is not on the chain yet. Its factory makes it where the allowance is. */
export async function newPermit2Wallet(
  world: LocalWorld,
  owner: TestAccount,
): Promise<SmartWallet> {
  const wallet = await world.newSmartWallet(owner.address, { deploy: false });
  await allowAs(world, wallet.address);
  return wallet;
}
