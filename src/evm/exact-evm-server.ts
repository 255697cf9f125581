import type { ServerScheme } from "../core/scheme.ts";
import { KNOWN_ASSETS, type EvmAsset } from "./assets.ts";
import { exactPaymentKey, exactPrice } from "./exact/server.ts";
import { canonicalPayTo } from "./price.ts";

export interface ExactEvmServerOptions {
  /** Tokens beside `KNOWN_ASSETS` that may be priced. */
  readonly assets?: readonly EvmAsset[];
}

/** `exact` on EVM chains for sellers. */
export function exactEvmServer(options: ExactEvmServerOptions = {}): ServerScheme {
  const assets = [...(options.assets ?? []), ...KNOWN_ASSETS];
  return {
    scheme: "exact",
    family: "eip155",
    price: (price, network) => exactPrice(assets, price, network),
    payTo: canonicalPayTo,
    paymentKey: exactPaymentKey,
  };
}
