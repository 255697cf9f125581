import { isAtomicAmount, parseAmount } from "../core/amount.ts";
import type { Network } from "../core/network.ts";
import type { Price } from "../core/scheme.ts";
import { checksumAddress, parseAddress } from "./address.ts";
import { findAsset, type EvmAsset } from "./assets.ts";

/** A price on a network, and the token as our own tables know it. */
export interface EvmPrice {
  /** With checksum. */
  readonly asset: string;
  readonly amount: string;
  readonly known: EvmAsset | undefined;
  /** What was given with the price. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** @throws TypeError when it cannot be charged: nothing is rounded or guessed. */
export function parsePrice(assets: readonly EvmAsset[], price: Price, network: Network): EvmPrice {
  if (typeof price === "string") {
    const known = assets.find((candidate) => candidate.network === network && candidate.usd);
    if (known === undefined) {
      throw new TypeError(
        `no known dollar token on ${network}: give the price as { amount, asset, extra }`,
      );
    }
    const amount = positive(parseAmount(price, known.decimals), price);
    return { asset: known.address, amount, known, extra: {} };
  }
  const address = parseAddress(price.asset);
  if (address === undefined) throw new TypeError(`price.asset "${price.asset}" is not an address`);
  if (!isAtomicAmount(price.amount)) {
    throw new TypeError(`price.amount "${price.amount}" is not a decimal string of atomic units`);
  }
  return {
    asset: checksumAddress(address),
    amount: positive(BigInt(price.amount), price.amount),
    known: findAsset(assets, network, address),
    extra: price.extra ?? {},
  };
}

function positive(amount: bigint, price: string): string {
  if (amount === 0n)
    throw new TypeError(`price "${price}" is nothing: leave the route without a paywall instead`);
  return amount.toString();
}

/** Name and version of a token's EIP-712 domain, as an offer says them. */
export function domainOf(asset: EvmAsset | undefined): Record<string, unknown> {
  return {
    ...(asset?.name !== undefined && { name: asset.name }),
    ...(asset?.version !== undefined && { version: asset.version }),
  };
}

/** Canonical form of an address to be paid. @throws TypeError */
export function canonicalPayTo(address: string): string {
  const canonical = parseAddress(address);
  if (canonical === undefined) {
    throw new TypeError(`payTo "${address}" is not an address, or its checksum is wrong`);
  }
  return checksumAddress(canonical);
}
