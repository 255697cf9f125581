import type { PaymentRequirements } from "../core/messages.ts";
import { isNetwork, networkFamily } from "../core/network.ts";
import type { Price, ServerScheme } from "../core/scheme.ts";

/** One way to pay for a route. What is left out comes from the paywall's options. */
export interface Offer {
  /** Default: `exact`. */
  readonly scheme?: string;
  readonly price: Price;
  /** CAIP-2, for example `eip155:8453`. */
  readonly network?: string;
  readonly payTo?: string;
  /** How long a client may take from offer to settled payment; default 300. */
  readonly maxTimeoutSeconds?: number;
  /** Beside what the scheme adds. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

export interface OfferDefaults {
  readonly schemes: readonly ServerScheme[];
  readonly network?: string | undefined;
  readonly payTo?: string | undefined;
  readonly maxTimeoutSeconds?: number | undefined;
}

/** An advertised offer and the scheme that reads its payments. */
export interface PricedOffer {
  readonly scheme: ServerScheme;
  readonly requirements: PaymentRequirements;
}

const DEFAULT_TIMEOUT_SECONDS = 300;

/** The requirements of an offer. @throws TypeError naming the option that is missing or wrong. */
export function priceOffer(offer: Offer, defaults: OfferDefaults): PricedOffer {
  const network = offer.network ?? defaults.network;
  const payTo = offer.payTo ?? defaults.payTo;
  const name = offer.scheme ?? "exact";
  if (network === undefined)
    throw new TypeError('network is missing: give one such as "eip155:8453"');
  if (!isNetwork(network))
    throw new TypeError(`network "${network}" is not a CAIP-2 network such as "eip155:8453"`);
  if (payTo === undefined)
    throw new TypeError("payTo is missing: give the address that is to be paid");
  const scheme = defaults.schemes.find(
    (candidate) => candidate.scheme === name && candidate.family === networkFamily(network),
  );
  if (scheme === undefined) {
    throw new TypeError(
      `no scheme "${name}" for ${network}: add one to schemes, for example exactEvm()`,
    );
  }
  const maxTimeoutSeconds =
    offer.maxTimeoutSeconds ?? defaults.maxTimeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
  if (!Number.isSafeInteger(maxTimeoutSeconds) || maxTimeoutSeconds <= 0) {
    throw new TypeError(`maxTimeoutSeconds ${maxTimeoutSeconds} is not a positive whole number`);
  }
  const { asset, amount, extra } = scheme.price(offer.price, network);
  return {
    scheme,
    requirements: {
      scheme: name,
      network,
      amount,
      asset,
      payTo: scheme.payTo(payTo),
      maxTimeoutSeconds,
      extra: { ...extra, ...offer.extra },
    },
  };
}
