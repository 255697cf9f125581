import type { AddChain } from "./page-data.ts";

/** A chain as people and wallets call it, with a public node that a wallet can be told of. */
interface KnownChain {
  readonly name: string;
  readonly currency: { readonly name: string; readonly symbol: string };
  readonly rpcUrl?: string;
  readonly explorerUrl?: string;
}

const ETHER = { name: "Ether", symbol: "ETH" };

/** The chains of `KNOWN_ASSETS`, by chain id. Public nodes: those that the chains' own documentation names. */
export const CHAINS: Readonly<Record<number, KnownChain>> = {
  1: {
    name: "Ethereum",
    currency: ETHER,
    explorerUrl: "https://etherscan.io",
  },
  11155111: {
    name: "Sepolia",
    currency: { name: "Sepolia Ether", symbol: "ETH" },
    explorerUrl: "https://sepolia.etherscan.io",
  },
  8453: {
    name: "Base",
    currency: ETHER,
    rpcUrl: "https://mainnet.base.org",
    explorerUrl: "https://basescan.org",
  },
  84532: {
    name: "Base Sepolia",
    currency: { name: "Sepolia Ether", symbol: "ETH" },
    rpcUrl: "https://sepolia.base.org",
    explorerUrl: "https://sepolia.basescan.org",
  },
  137: {
    name: "Polygon",
    currency: { name: "POL", symbol: "POL" },
    rpcUrl: "https://polygon-rpc.com",
    explorerUrl: "https://polygonscan.com",
  },
  80002: {
    name: "Polygon Amoy",
    currency: { name: "POL", symbol: "POL" },
    rpcUrl: "https://rpc-amoy.polygon.technology",
    explorerUrl: "https://amoy.polygonscan.com",
  },
  42161: {
    name: "Arbitrum One",
    currency: ETHER,
    rpcUrl: "https://arb1.arbitrum.io/rpc",
    explorerUrl: "https://arbiscan.io",
  },
  421614: {
    name: "Arbitrum Sepolia",
    currency: { name: "Arbitrum Sepolia Ether", symbol: "ETH" },
    rpcUrl: "https://sepolia-rollup.arbitrum.io/rpc",
    explorerUrl: "https://sepolia.arbiscan.io",
  },
  43114: {
    name: "Avalanche",
    currency: { name: "Avalanche", symbol: "AVAX" },
    rpcUrl: "https://api.avax.network/ext/bc/C/rpc",
    explorerUrl: "https://snowtrace.io",
  },
  43113: {
    name: "Avalanche Fuji",
    currency: { name: "Avalanche Fuji", symbol: "AVAX" },
    rpcUrl: "https://api.avax-test.network/ext/bc/C/rpc",
    explorerUrl: "https://testnet.snowtrace.io",
  },
  42220: {
    name: "Celo",
    currency: { name: "CELO", symbol: "CELO" },
    rpcUrl: "https://forno.celo.org",
    explorerUrl: "https://celoscan.io",
  },
  143: {
    name: "Monad",
    currency: { name: "Monad", symbol: "MON" },
    rpcUrl: "https://rpc.monad.xyz",
    explorerUrl: "https://monadscan.com",
  },
  1329: {
    name: "Sei Network",
    currency: { name: "Sei", symbol: "SEI" },
    rpcUrl: "https://evm-rpc.sei-apis.com",
    explorerUrl: "https://seiscan.io",
  },
};

/** What a wallet needs to add a chain; nothing where no public node is known (every wallet knows Ethereum's chains). */
export function addChainParameter(chainId: number): AddChain | undefined {
  const chain = CHAINS[chainId];
  if (chain?.rpcUrl === undefined) return undefined;
  return {
    chainId: `0x${chainId.toString(16)}`,
    chainName: chain.name,
    rpcUrls: [chain.rpcUrl],
    nativeCurrency: { ...chain.currency, decimals: 18 },
    ...(chain.explorerUrl !== undefined && { blockExplorerUrls: [chain.explorerUrl] }),
  };
}
