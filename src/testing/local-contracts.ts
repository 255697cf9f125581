import type { Address } from "viem";
import { MULTICALL3_ADDRESS } from "../../contracts-abi/multicall3.ts";
import { PERMIT2_ADDRESS } from "../../contracts-abi/permit2.ts";
import { X402_EXACT_PERMIT2_PROXY_ADDRESS } from "../../contracts-abi/x402-exact-permit2-proxy.ts";
import { X402_UPTO_PERMIT2_PROXY_ADDRESS } from "../../contracts-abi/x402-upto-permit2-proxy.ts";
import {
  localAccountDelegateAbi,
  localAccountDelegateBytecode,
} from "../../contracts-abi/local/local-account-delegate.ts";
import {
  localDelegationManagerAbi,
  localDelegationManagerBytecode,
} from "../../contracts-abi/local/local-delegation-manager.ts";
import {
  localMulticall3Abi,
  localMulticall3Bytecode,
} from "../../contracts-abi/local/local-multicall3.ts";
import {
  localPermitTokenAbi,
  localPermitTokenBytecode,
} from "../../contracts-abi/local/local-permit-token.ts";
import { localPermit2Abi, localPermit2Bytecode } from "../../contracts-abi/local/local-permit2.ts";
import {
  localPlainTokenAbi,
  localPlainTokenBytecode,
} from "../../contracts-abi/local/local-plain-token.ts";
import { localUsdcAbi, localUsdcBytecode } from "../../contracts-abi/local/local-usdc.ts";
import {
  localWalletFactoryAbi,
  localWalletFactoryBytecode,
} from "../../contracts-abi/local/local-wallet-factory.ts";
import { localWalletAbi, localWalletBytecode } from "../../contracts-abi/local/local-wallet.ts";
import {
  localX402ExactPermit2ProxyAbi,
  localX402ExactPermit2ProxyBytecode,
} from "../../contracts-abi/local/local-x402-exact-permit2-proxy.ts";
import {
  localX402UptoPermit2ProxyAbi,
  localX402UptoPermit2ProxyBytecode,
} from "../../contracts-abi/local/local-x402-upto-permit2-proxy.ts";
import type { LocalClient } from "./chain-control.ts";
import { installCode } from "./install-code.ts";

/** Where USDC lives on Base Sepolia, and the local token in the local world. */
export const LOCAL_TOKEN_ADDRESS = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";

/** EIP-712 name and version of USDC on Base Sepolia. */
export const LOCAL_TOKEN_NAME = "USDC";
export const LOCAL_TOKEN_VERSION = "2";

/** Where the local world has what. On no real chain is there anything but at the first four. */
export const LOCAL_CONTRACTS = {
  multicall3: MULTICALL3_ADDRESS,
  /** The code that is deployed on real chains. */
  permit2: PERMIT2_ADDRESS,
  /** x402's proxy for `exact`, and for `upto`: our own code, with the published behaviour. */
  exactPermit2Proxy: X402_EXACT_PERMIT2_PROXY_ADDRESS,
  uptoPermit2Proxy: X402_UPTO_PERMIT2_PROXY_ADDRESS,
  /** ERC-20 and nothing else: "Plain Dollar", PLAIN, 18 decimals. */
  plainToken: "0xFa27000000000000000000000000000000000001",
  /** ERC-20 with EIP-2612, without EIP-3009: "Permit Dollar", version "1", PERMIT, 18 decimals. */
  permitToken: "0xfA27000000000000000000000000000000000002",
  /** Makes smart wallets: `createWallet(owner, salt)`. */
  walletFactory: "0xfA27000000000000000000000000000000000003",
  /** ERC-7710, trusted by the wallets and by accounts that delegate to `accountDelegate`. */
  delegationManager: "0xfA27000000000000000000000000000000000004",
  /** What accounts delegate to (EIP-7702) to become smart accounts that own themselves. */
  accountDelegate: "0xfa27000000000000000000000000000000000005",
} as const satisfies Record<string, Address>;

/**
 * Where the token is constructed, so that the domain separator which it remembers is not its own:
 * then it computes that for every call, as FiatTokenV2_2 does, and costs as much.
 */
const ELSEWHERE = "0x000000000000000000000000000000000000c0de";

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
  const contract = {
    abi: localUsdcAbi,
    bytecode: localUsdcBytecode,
    args: [name, symbol, version],
  } as const;
  await installCode(client, address, contract, ELSEWHERE);
}

/** Puts Multicall3 at its canonical address, on a local chain. */
export async function installMulticall3(client: LocalClient): Promise<void> {
  await installCode(client, MULTICALL3_ADDRESS, {
    abi: localMulticall3Abi,
    bytecode: localMulticall3Bytecode,
  });
}

/** Puts Permit2 and x402's two proxies at their canonical addresses, on a local chain. */
export async function installPermit2(client: LocalClient): Promise<void> {
  await Promise.all([
    installCode(client, PERMIT2_ADDRESS, { abi: localPermit2Abi, bytecode: localPermit2Bytecode }),
    installCode(client, X402_EXACT_PERMIT2_PROXY_ADDRESS, {
      abi: localX402ExactPermit2ProxyAbi,
      bytecode: localX402ExactPermit2ProxyBytecode,
      args: [PERMIT2_ADDRESS],
    }),
    installCode(client, X402_UPTO_PERMIT2_PROXY_ADDRESS, {
      abi: localX402UptoPermit2ProxyAbi,
      bytecode: localX402UptoPermit2ProxyBytecode,
      args: [PERMIT2_ADDRESS],
    }),
  ]);
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
  await installCode(client, address, {
    abi: localWalletAbi,
    bytecode: localWalletBytecode,
    args: [owner, LOCAL_CONTRACTS.delegationManager],
  });
}

/** Puts the two further tokens where `LOCAL_CONTRACTS` says. */
export async function installOtherTokens(client: LocalClient): Promise<void> {
  await Promise.all([
    installCode(client, LOCAL_CONTRACTS.plainToken, {
      abi: localPlainTokenAbi,
      bytecode: localPlainTokenBytecode,
    }),
    installCode(client, LOCAL_CONTRACTS.permitToken, {
      abi: localPermitTokenAbi,
      bytecode: localPermitTokenBytecode,
    }),
  ]);
}

/** Puts the wallet factory, the delegation manager and the account delegate where `LOCAL_CONTRACTS` says. */
export async function installSmartAccounts(client: LocalClient): Promise<void> {
  const args = [LOCAL_CONTRACTS.delegationManager] as const;
  await Promise.all([
    installCode(client, LOCAL_CONTRACTS.delegationManager, {
      abi: localDelegationManagerAbi,
      bytecode: localDelegationManagerBytecode,
    }),
    installCode(client, LOCAL_CONTRACTS.walletFactory, {
      abi: localWalletFactoryAbi,
      bytecode: localWalletFactoryBytecode,
      args,
    }),
    installCode(client, LOCAL_CONTRACTS.accountDelegate, {
      abi: localAccountDelegateAbi,
      bytecode: localAccountDelegateBytecode,
      args,
    }),
  ]);
}
