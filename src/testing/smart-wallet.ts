import {
  encodeDeployData,
  encodeFunctionData,
  getCreate2Address,
  serializeErc6492Signature,
  zeroAddress,
  type Address,
  type Hex,
} from "viem";
import { generatePrivateKey } from "viem/accounts";
import { localWalletAbi, localWalletBytecode } from "../../contracts-abi/local/local-wallet.ts";
import { localWalletFactoryAbi } from "../../contracts-abi/local/local-wallet-factory.ts";
import type { TestAccount } from "./accounts.ts";
import type { LocalClient } from "./chain-control.ts";
import type { HouseAccount } from "./house-account.ts";
import { LOCAL_CONTRACTS } from "./local-contracts.ts";

/**
 * A smart wallet of the local world: ERC-1271 signatures are its owner's 65 bytes; the owner makes it
 * call others with `execute`; it trusts the world's delegation manager.
 */
export type SmartWallet = {
  readonly address: Address;
  readonly owner: Address;
  /** The contract that makes the wallet, and the call that does it: parts of an ERC-6492 signature. */
  readonly factory: Address;
  readonly factoryCalldata: Hex;
};

/** The wallet of an owner and a salt (32 bytes; default random), whether it is on the chain or not. */
export function smartWallet(owner: Address, salt: Hex = generatePrivateKey()): SmartWallet {
  const factory = LOCAL_CONTRACTS.walletFactory;
  const bytecode = encodeDeployData({
    abi: localWalletAbi,
    bytecode: localWalletBytecode,
    args: [owner, LOCAL_CONTRACTS.delegationManager],
  });
  return {
    address: getCreate2Address({ from: factory, salt, bytecode }),
    owner,
    factory,
    factoryCalldata: encodeFunctionData({
      abi: localWalletFactoryAbi,
      functionName: "createWallet",
      args: [owner, salt],
    }),
  };
}

/**
 * Wraps the signature of a wallet that may not be on the chain yet as ERC-6492 says: factory, its
 * call and the signature, ABI-encoded, and 32 bytes of 0x6492 at the end.
 */
export function wrapErc6492(
  wallet: Pick<SmartWallet, "factory" | "factoryCalldata">,
  signature: Hex,
): Hex {
  const { factory, factoryCalldata } = wallet;
  return serializeErc6492Signature({ address: factory, data: factoryCalldata, signature });
}

/** Has the factory make the wallet; does nothing when it exists. */
export function deploySmartWallet(house: HouseAccount, wallet: SmartWallet): Promise<void> {
  const { address, factory, factoryCalldata } = wallet;
  const call = { to: factory, data: factoryCalldata, gas: 1_000_000n };
  return house.send(`the deployment of the wallet ${address}`, call);
}

/** A real transaction of type 4, paid by the house, in which `account` delegates to `delegate`. */
export async function delegateAccount(
  client: LocalClient,
  house: HouseAccount,
  { account }: TestAccount,
  delegate: Address,
): Promise<void> {
  const authorization = await account.signAuthorization({
    address: delegate,
    chainId: client.chain.id,
    nonce: await client.getTransactionCount({ address: account.address, blockTag: "pending" }),
  });
  await house.send(`the delegation of ${account.address}`, {
    to: zeroAddress, // the delegate's code is not to run yet
    authorizationList: [authorization],
  });
}
