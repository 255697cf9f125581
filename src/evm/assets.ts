import type { Hex, KnownAsset } from "../core/scheme.ts";
import type { Network } from "../core/network.ts";
import { parseAddress } from "./address.ts";

/** A token that farthing knows: decimals and EIP-712 domain come from here, never from a peer. */
export interface EvmAsset extends KnownAsset {
  readonly network: Network;
  /** Token contract, with checksum. */
  readonly address: Hex;
  /** EIP-712 domain name and version of the token; one that Permit2 moves may have none. */
  readonly name?: string;
  readonly version?: string;
  /** How payments move it in `exact`; default `eip3009`. For tokens without EIP-3009, any ERC-20: `permit2`. */
  readonly transfer?: "eip3009" | "permit2";
}

const usdc = (network: Network, address: Hex, name: string): EvmAsset => ({
  network,
  address,
  name,
  version: "2",
  symbol: "USDC",
  decimals: 6,
  usd: true,
});

/**
 * Known assets; the first of a network prices dollars there. Addresses: Circle's list of USDC contracts. Domain
 * names: the tokens' own, as in the reference's table of default assets (`@x402/evm` 2.27).
 */
export const KNOWN_ASSETS: readonly EvmAsset[] = [
  usdc("eip155:8453", "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "USD Coin"),
  usdc("eip155:84532", "0x036CbD53842c5426634e7929541eC2318f3dCF7e", "USDC"),
  usdc("eip155:1", "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "USD Coin"),
  usdc("eip155:11155111", "0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238", "USDC"),
  usdc("eip155:137", "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", "USD Coin"),
  usdc("eip155:80002", "0x41E94Eb019C0762f9Bfcf9Fb1E58725BfB0e7582", "USDC"),
  usdc("eip155:42161", "0xaf88d065e77c8cC2239327C5EDb3A432268e5831", "USD Coin"),
  usdc("eip155:421614", "0x75faf114eafb1BDbe2F0316DF893fd58CE46AA4d", "USD Coin"),
  usdc("eip155:43114", "0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E", "USD Coin"),
  usdc("eip155:43113", "0x5425890298aed601595a70AB815c96711a31Bc65", "USD Coin"),
  usdc("eip155:42220", "0xcebA9300f2b948710d2653dD7B07f33A8B32118C", "USDC"),
  usdc("eip155:143", "0x754704Bc059F8C67012fEd69BC8A327a5aafb603", "USDC"),
  usdc("eip155:1329", "0xe15fC38F6D8c56aF07bbCBe3BAf5708A2Bf42392", "USDC"),
];

/** Finds a token by network and address (any case). */
export function findAsset(
  assets: readonly EvmAsset[],
  network: string,
  address: string,
): EvmAsset | undefined {
  const wanted = parseAddress(address);
  return assets.find(
    (asset) => asset.network === network && asset.address.toLowerCase() === wanted,
  );
}
