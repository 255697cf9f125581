import type { ServerScheme } from "../core/scheme.ts";
import { KNOWN_ASSETS, type EvmAsset } from "./assets.ts";
import { exactPaymentKey, exactPrice } from "./exact/server.ts";
import { sponsoringOf, type GasSponsoring } from "./permit2/sponsoring.ts";
import { canonicalPayTo } from "./price.ts";

export interface ExactEvmServerOptions {
  /** Tokens beside `KNOWN_ASSETS` that may be priced. */
  readonly assets?: readonly EvmAsset[];
  /**
   * How the facilitator pays for the allowance of Permit2 where a buyer has none: declared with the offers that are paid
   * by way of Permit2. Only what the facilitator lists in its `/supported`. Default: not at all.
   */
  readonly gasSponsoring?: readonly GasSponsoring[];
}

/**
 * `exact` on EVM chains for sellers.
 *
 * @throws TypeError for a way of sponsoring that there is not.
 */
export function exactEvmServer(options: ExactEvmServerOptions = {}): ServerScheme {
  const assets = [...(options.assets ?? []), ...KNOWN_ASSETS];
  return {
    scheme: "exact",
    family: "eip155",
    price: (price, network) => exactPrice(assets, price, network),
    extensions: sponsoringOf(options.gasSponsoring),
    payTo: canonicalPayTo,
    paymentKey: exactPaymentKey,
  };
}
