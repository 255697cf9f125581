import { encodeDeployData, type Address, type Hex } from "viem";
import { MULTICALL3_ADDRESS } from "../../contracts-abi/multicall3.ts";
import {
  localMulticall3Abi,
  localMulticall3Bytecode,
} from "../../contracts-abi/local/local-multicall3.ts";
import { localUsdcAbi, localUsdcBytecode } from "../../contracts-abi/local/local-usdc.ts";
import { localWalletAbi, localWalletBytecode } from "../../contracts-abi/local/local-wallet.ts";
import type { LocalClient } from "./chain-control.ts";

/** Where USDC lives on Base Sepolia, and the local token in the local world. */
export const LOCAL_TOKEN_ADDRESS = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";

/** EIP-712 name and version of USDC on Base Sepolia. */
export const LOCAL_TOKEN_NAME = "USDC";
export const LOCAL_TOKEN_VERSION = "2";

export type LocalTokenOptions = {
  /** Default "USDC". At most 31 bytes, like the others. */
  readonly name?: string;
  /** Default "USDC". */
  readonly symbol?: string;
  /** Default "2". */
  readonly version?: string;
};

/** Puts a token like USDC at `address`, on a local chain, with no balances unless it had some. */
export async function installToken(
  client: LocalClient,
  address: Address,
  options: LocalTokenOptions = {},
): Promise<void> {
  const { name = LOCAL_TOKEN_NAME, symbol = "USDC", version = LOCAL_TOKEN_VERSION } = options;
  const args = [name, symbol, version] as const;
  const data = encodeDeployData({ abi: localUsdcAbi, bytecode: localUsdcBytecode, args });
  await installCode(client, address, data);
}

/** Puts Multicall3 at its canonical address, on a local chain. */
export async function installMulticall3(client: LocalClient): Promise<void> {
  const data = encodeDeployData({ abi: localMulticall3Abi, bytecode: localMulticall3Bytecode });
  await installCode(client, MULTICALL3_ADDRESS, data);
}

/**
 * Puts a smart wallet (ERC-1271) of the key behind `owner` at `address`, on a local chain: what that
 * key signs with 65 bytes is valid for the wallet.
 */
export async function installWallet(
  client: LocalClient,
  address: Address,
  owner: Address,
): Promise<void> {
  const args = [owner] as const;
  const data = encodeDeployData({ abi: localWalletAbi, bytecode: localWalletBytecode, args });
  await installCode(client, address, data);
}

/** Simulates the deployment, whose result is the runtime code, and puts that at `address`. */
async function installCode(client: LocalClient, address: Address, data: Hex): Promise<void> {
  const { data: bytecode } = await client.call({ data });
  if (bytecode === undefined) throw new Error(`no runtime code for the contract at ${address}`);
  await client.setCode({ address, bytecode });
}
