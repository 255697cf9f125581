import type { LocalAccount } from "viem";
import type { EvmChain } from "./chain.ts";
import { evmChain as rpcChain, type EvmChainOptions as RpcOptions } from "./rpc/evm-chain.ts";
import type { SettlementOptions } from "./settlement/options.ts";

/** A chain, the keys that settle there, and how. */
export interface SettlementChain {
  readonly chain: EvmChain;
  readonly signers: readonly LocalAccount[];
  readonly options: SettlementOptions;
}

export interface EvmChainOptions extends RpcOptions, SettlementOptions {
  /** Keys that pay the gas, viem accounts. They should own nothing else. Each is a lane of its own. */
  readonly signers: readonly LocalAccount[];
}

/**
 * A chain over JSON-RPC with the keys that settle there.
 *
 * @throws TypeError for a network that is no EVM chain, URLs that are none, and a lack of signers.
 */
export function evmChain(options: EvmChainOptions): SettlementChain {
  const { signers, ...rest } = options;
  if (signers.length === 0)
    throw new TypeError("signers is empty: give at least one account that pays the gas");
  const addresses = new Set(signers.map((signer) => signer.address.toLowerCase()));
  if (addresses.size < signers.length) throw new TypeError("signers names an account twice");
  return { chain: rpcChain(rest), signers, options: rest };
}
