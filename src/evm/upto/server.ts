import { parseAmount } from "../../core/amount.ts";
import type { Price, ServerScheme } from "../../core/scheme.ts";
import type { PaymentRequirements } from "../../core/messages.ts";
import { parseAddress } from "../address.ts";
import { findAsset, KNOWN_ASSETS, type EvmAsset } from "../assets.ts";
import { permit2PaymentKey } from "../permit2/server.ts";
import { sponsoringOf, type GasSponsoring } from "../permit2/sponsoring.ts";
import { canonicalPayTo, domainOf, parsePrice } from "../price.ts";
import { chooseFacilitator, type FacilitatorAddress } from "./facilitator-address.ts";

export interface UptoEvmServerOptions {
  /** Tokens beside `KNOWN_ASSETS` that may be priced. */
  readonly assets?: readonly EvmAsset[];
  /**
   * The facilitator's signer, which alone can settle: an address, several, or either by network. Its `/supported` has
   * them: `await readFacilitatorAddress(facilitator, network)`. A price without one is a TypeError.
   */
  readonly facilitatorAddress?: FacilitatorAddress;
  /**
   * How the facilitator pays for the allowance of Permit2 where a buyer has none: declared with the offers that are paid
   * by way of Permit2. Only what the facilitator lists in its `/supported`. Default: not at all.
   */
  readonly gasSponsoring?: readonly GasSponsoring[];
}

/**
 * `upto` on EVM chains for sellers: the price is the most that a request may cost, and `charge` says what it did: atomic
 * units, a price, or a part of the most such as `"50%"`, rounded down.
 *
 * @throws TypeError for a facilitator's address that is none.
 */
export function uptoEvmServer(options: UptoEvmServerOptions = {}): ServerScheme {
  const assets = [...(options.assets ?? []), ...KNOWN_ASSETS];
  const facilitatorOf = chooseFacilitator(options.facilitatorAddress);
  return {
    scheme: "upto",
    family: "eip155",
    price(price, network, payTo) {
      const { asset, amount, known, extra } = parsePrice(assets, price, network);
      const facilitatorAddress = facilitatorOf(network, payTo);
      return {
        asset,
        amount,
        extra: {
          ...domainOf(known),
          ...extra,
          assetTransferMethod: "permit2",
          facilitatorAddress,
        },
      };
    },
    extensions: sponsoringOf(options.gasSponsoring),
    payTo: canonicalPayTo,
    charge: (amount, requirements) => charged(assets, amount, requirements),
    paymentKey: permit2PaymentKey,
  };
}

const PERCENT = /^([0-9]{1,3})(?:\.([0-9]{1,2}))?%$/;

/** @throws TypeError when it is more than was signed for, or of another token. */
function charged(
  assets: readonly EvmAsset[],
  amount: bigint | Price,
  requirements: PaymentRequirements,
): string {
  const { amount: most } = requirements;
  const atomic = atomicOf(assets, amount, requirements);
  if (atomic < 0n || atomic > BigInt(most))
    throw new TypeError(`charge ${atomic} is not between 0 and ${most}, which was signed for`);
  return atomic.toString();
}

function atomicOf(
  assets: readonly EvmAsset[],
  amount: bigint | Price,
  { network, asset, amount: most }: PaymentRequirements,
): bigint {
  if (typeof amount === "bigint") return amount;
  const [, whole, part = ""] = (typeof amount === "string" && PERCENT.exec(amount)) || [];
  if (whole !== undefined) return (BigInt(most) * BigInt(whole + part.padEnd(2, "0"))) / 10_000n;
  if (typeof amount === "string") {
    const known = findAsset(assets, network, asset);
    if (known?.usd !== true)
      throw new TypeError(
        `token ${asset} is no known dollar token: charge atomic units (a bigint)`,
      );
    return parseAmount(amount, known.decimals);
  }
  if (parseAddress(amount.asset) !== parseAddress(asset))
    throw new TypeError(`charge is in token ${amount.asset}, the payment in ${asset}`);
  return parseAmount(amount.amount, 0);
}
