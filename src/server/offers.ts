import type { PaymentRequirements } from "../core/messages.ts";
import { isNetwork, networkFamily } from "../core/network.ts";
import type { Price, ServerScheme } from "../core/scheme.ts";
import type { PaywallRequest } from "./gate.ts";
import type { Offer, PerRequest, SettleMode } from "./options.ts";

export interface OfferDefaults {
  readonly schemes: readonly ServerScheme[];
  readonly network?: string | undefined;
  readonly payTo?: PerRequest<string> | undefined;
  readonly maxTimeoutSeconds?: number | undefined;
  readonly settle: SettleMode;
}

/** An advertised offer, and the scheme that reads its payments. */
export interface PricedOffer {
  readonly scheme: ServerScheme;
  readonly requirements: PaymentRequirements;
}

const DEFAULT_TIMEOUT_SECONDS = 300;

/** `extra.paymentFlow` of an offer that is settled before the handler. */
const UPFRONT = "upfront";

/** Whether a payment for these requirements is settled before the handler. */
export function isUpfront({ extra }: PaymentRequirements): boolean {
  return extra?.["paymentFlow"] === UPFRONT;
}

/** Whether price or payee depend on the request. */
export function isDynamic(offer: Offer, defaults: OfferDefaults): boolean {
  return typeof offer.price === "function" || typeof (offer.payTo ?? defaults.payTo) === "function";
}

/**
 * The requirements of an offer; `request` is needed where price or payee depend on it.
 *
 * @throws TypeError naming the option that is missing or wrong.
 */
export async function priceOfferFor(
  offer: Offer,
  defaults: OfferDefaults,
  request: PaywallRequest,
): Promise<PricedOffer> {
  const payTo = offer.payTo ?? defaults.payTo;
  return priceOffer(
    {
      ...offer,
      price: typeof offer.price === "function" ? await offer.price(request) : offer.price,
      ...(payTo !== undefined && {
        payTo: typeof payTo === "function" ? await payTo(request) : payTo,
      }),
    },
    defaults,
  );
}

/** The requirements of an offer without functions. @throws TypeError naming the option that is missing or wrong. */
export function priceOffer(offer: Offer, defaults: OfferDefaults): PricedOffer {
  const scheme = schemeOf(offer, defaults);
  const network = networkOf(offer, defaults);
  const payTo = offer.payTo ?? defaults.payTo;
  if (payTo === undefined)
    throw new TypeError("payTo is missing: give the address that is to be paid");
  if (typeof payTo === "function" || typeof offer.price === "function")
    throw new TypeError("price and payTo have to be values here");
  const price: Price = typeof offer.price === "number" ? String(offer.price) : offer.price;
  const { asset, amount, extra: ofPrice } = scheme.price(price, network, payTo);
  const extra = { ...ofPrice, ...offer.extra };
  const settle = settleOf(extra, scheme, defaults);
  return {
    scheme,
    requirements: {
      scheme: scheme.scheme,
      network,
      amount,
      asset,
      payTo: scheme.payTo(payTo),
      maxTimeoutSeconds: timeoutOf(offer, defaults),
      extra: { ...extra, ...(settle === "before" && { paymentFlow: UPFRONT }) },
    },
  };
}

/** Checks of an offer all that can be known without a request. @throws TypeError */
export function checkOffer(offer: Offer, defaults: OfferDefaults): void {
  if (!isDynamic(offer, defaults)) return void priceOffer(offer, defaults);
  const scheme = schemeOf(offer, defaults);
  const network = networkOf(offer, defaults);
  timeoutOf(offer, defaults);
  settleOf(offer.extra ?? {}, scheme, defaults);
  const { price, payTo = defaults.payTo } = offer;
  if (payTo === undefined)
    throw new TypeError("payTo is missing: give the address that is to be paid");
  if (typeof payTo === "string") scheme.payTo(payTo);
  if (typeof price !== "function")
    scheme.price(typeof price === "number" ? String(price) : price, network);
}

function networkOf(offer: Offer, defaults: OfferDefaults) {
  const network = offer.network ?? defaults.network;
  if (network === undefined)
    throw new TypeError('network is missing: give one such as "eip155:8453"');
  if (!isNetwork(network))
    throw new TypeError(`network "${network}" is not a CAIP-2 network such as "eip155:8453"`);
  return network;
}

function schemeOf(offer: Offer, defaults: OfferDefaults): ServerScheme {
  const network = networkOf(offer, defaults);
  const name = offer.scheme ?? "exact";
  const scheme = defaults.schemes.find(
    (candidate) => candidate.scheme === name && candidate.family === networkFamily(network),
  );
  if (scheme === undefined) {
    throw new TypeError(
      `no scheme "${name}" for ${network}: add one to schemes, for example exactEvm()`,
    );
  }
  return scheme;
}

function timeoutOf(offer: Offer, defaults: OfferDefaults): number {
  const seconds = offer.maxTimeoutSeconds ?? defaults.maxTimeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
  if (!Number.isSafeInteger(seconds) || seconds <= 0) {
    throw new TypeError(`maxTimeoutSeconds ${seconds} is not a positive whole number`);
  }
  return seconds;
}

/** A scheme that charges by use cannot be settled before the use is known. */
function settleOf(
  { paymentFlow: flow }: Readonly<Record<string, unknown>>,
  scheme: ServerScheme,
  { settle }: OfferDefaults,
): SettleMode {
  if (flow !== undefined && flow !== UPFRONT && flow !== "authorization")
    throw new TypeError(
      `extra.paymentFlow ${JSON.stringify(flow)} is not "authorization" or "${UPFRONT}"`,
    );
  const charges = scheme.charge !== undefined;
  if (charges && flow === UPFRONT)
    throw new TypeError(
      `extra.paymentFlow "${UPFRONT}" is not for scheme "${scheme.scheme}", which charges by use`,
    );
  if (charges) return "after";
  if (flow !== undefined) return flow === UPFRONT ? "before" : "after";
  return settle;
}
