import { formatAmount } from "../core/amount.ts";
import type { PaymentRequired, PaymentRequirements } from "../core/messages.ts";
import { evmChainId } from "../core/network.ts";
import { findAsset, type EvmAsset } from "../evm/assets.ts";
import { readTerms } from "../evm/exact/client.ts";
import { TESTNETS } from "../evm/networks.ts";
import { addChainParameter, CHAINS } from "./chains.ts";
import type { PayableOffer } from "./page-data.ts";

/** An offer of the 402 as people read it. */
export interface ShownOffer {
  readonly index: number;
  /** With its unit, for example `0.01 USDC`. */
  readonly price: string;
  readonly network: string;
  readonly chainId: number | undefined;
  readonly isTestnet: boolean;
  readonly payTo: string;
  /** Set when the token is in none of our tables: its address, to be shown. */
  readonly unknownAsset: string | undefined;
  /** What the script needs; nothing when a browser's wallet cannot pay this. */
  readonly payable: PayableOffer | undefined;
}

/** Orders of verify, handler and settle in which the payer has nothing else to do. */
const FLOWS: ReadonlySet<unknown> = new Set([undefined, null, "authorization", "upfront"]);

/**
 * The offers of a 402 in human units. Decimals and symbol come from our own tables and the publisher's, never from the
 * message.
 */
export function showOffers(
  { accepts }: PaymentRequired,
  assets: readonly EvmAsset[],
): readonly ShownOffer[] {
  return accepts.map((requirements, index) => showOffer(requirements, index, assets));
}

function showOffer(
  requirements: PaymentRequirements,
  index: number,
  assets: readonly EvmAsset[],
): ShownOffer {
  const { network: caip2, amount } = requirements;
  const known = findAsset(assets, caip2, requirements.asset);
  const terms = FLOWS.has(requirements.extra?.["paymentFlow"])
    ? readTerms(requirements)
    : undefined;
  const chainId = evmChainId(caip2);
  const network = (chainId !== undefined && CHAINS[chainId]?.name) || caip2;
  const asset = terms?.domain.verifyingContract ?? requirements.asset;
  const payTo = terms?.payTo ?? requirements.payTo;
  const symbol = known?.symbol ?? shorten(asset);
  const price =
    known === undefined
      ? `${amount} × ${symbol}`
      : `${formatAmount(BigInt(amount), known.decimals)} ${symbol}`;
  const addChain = terms && addChainParameter(terms.domain.chainId);
  return {
    index,
    price,
    network,
    chainId,
    isTestnet: TESTNETS.has(caip2),
    payTo,
    unknownAsset: known === undefined ? asset : undefined,
    payable: terms && {
      index,
      price,
      symbol,
      ...(known && { decimals: known.decimals }),
      chainId: terms.domain.chainId,
      network,
      asset,
      payTo,
      name: terms.domain.name,
      version: terms.domain.version,
      ...(addChain && { addChain }),
    },
  };
}

/** `0x2096…287C`: first and last characters of what is too long to be read anyway. */
export function shorten(address: string): string {
  return address.length <= 14 ? address : `${address.slice(0, 6)}…${address.slice(-4)}`;
}
