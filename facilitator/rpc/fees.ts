import type { Fees } from "../chain.ts";

export interface FeeLimits {
  /** Wei per gas; all of these. */
  readonly ceiling: bigint;
  /** What miners and pools want at the least. */
  readonly minTip: bigint;
  /** A node's idea of a tip is not trusted beyond this. */
  readonly maxTip: bigint;
}

const GWEI = 1_000_000_000n;

/**
 * Per chain: ceiling and least tip in wei per gas. The ceilings are far above any usual price, and bound what a
 * settlement (some 70,000 gas) may cost at the very most: at 10 gwei of ether, 0.0007 ETH.
 */
const CHAINS: Readonly<Record<number, readonly [ceiling: bigint, minTip: bigint]>> = {
  1: [150n * GWEI, GWEI / 100n], // Ethereum
  10: [10n * GWEI, GWEI / 1000n], // OP Mainnet
  56: [20n * GWEI, GWEI / 20n], // BNB: no base fee, validators want 0.05 gwei
  100: [200n * GWEI, GWEI / 1000n], // Gnosis, in xDAI
  137: [2000n * GWEI, 25n * GWEI], // Polygon: the network asks for a tip of 25 gwei, in POL
  324: [10n * GWEI, 0n], // zkSync Era: has no tips
  2741: [10n * GWEI, 0n], // Abstract
  8453: [10n * GWEI, GWEI / 1000n], // Base
  42161: [10n * GWEI, 0n], // Arbitrum One: tips are not paid
  42220: [1000n * GWEI, GWEI / 1000n], // Celo
  43114: [500n * GWEI, 1n], // Avalanche C-Chain
};

/** For test networks and chains that are not in the table. */
const OTHERS: readonly [bigint, bigint] = [500n * GWEI, GWEI / 1000n];

/** Limits for a chain; a ceiling that is given counts instead of the table's. */
export function feeLimits(chainId: number, ceiling?: bigint): FeeLimits {
  const [tableCeiling, minTip] = CHAINS[chainId] ?? OTHERS;
  const limit = ceiling ?? tableCeiling;
  return {
    ceiling: limit,
    minTip: min(minTip, limit),
    maxTip: max(limit / 4n, min(minTip, limit)),
  };
}

/** EIP-1559 fees that outlive a doubling of the base fee, within the limits. `tip` is what the node suggests. */
export function suggestFees(baseFeePerGas: bigint, tip: bigint, limits: FeeLimits): Fees {
  const maxPriorityFeePerGas = min(max(tip, limits.minTip), limits.maxTip);
  const maxFeePerGas = min(2n * baseFeePerGas + maxPriorityFeePerGas, limits.ceiling);
  return { maxFeePerGas, maxPriorityFeePerGas: min(maxPriorityFeePerGas, maxFeePerGas) };
}

/**
 * Fees for replacing a transaction: both at least an eighth over the previous ones (nodes ask for a tenth), a quarter
 * where the ceiling allows it, and no lower than what is suggested now. Nothing when that would be over the ceiling.
 */
export function bumpFees(previous: Fees, current: Fees, ceiling: bigint): Fees | undefined {
  const least = bump(previous.maxFeePerGas, 8n);
  const maxFeePerGas = min(max(bump(previous.maxFeePerGas, 4n), current.maxFeePerGas), ceiling);
  if (maxFeePerGas < least || maxFeePerGas < current.maxFeePerGas) return undefined;
  const leastTip = max(bump(previous.maxPriorityFeePerGas, 8n), current.maxPriorityFeePerGas);
  const tip = max(bump(previous.maxPriorityFeePerGas, 4n), current.maxPriorityFeePerGas);
  const maxPriorityFeePerGas = min(tip, maxFeePerGas);
  return maxPriorityFeePerGas < leastTip ? undefined : { maxFeePerGas, maxPriorityFeePerGas };
}

/** A value and one part of it more, rounded up, at least by one. */
function bump(value: bigint, part: bigint): bigint {
  return value + max((value + part - 1n) / part, 1n);
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
