import type { ResourceInfo } from "../core/messages.ts";
import type { Price } from "../core/scheme.ts";
import { createDemand, type Demand } from "./demand.ts";
import type { PaywallRequest } from "./gate.ts";
import { checkOffer, isDynamic, priceOffer, priceOfferFor, type OfferDefaults } from "./offers.ts";
import type { Offer, PaywallOptions, PerRequest, RouteOptions, SettleMode } from "./options.ts";
import { declarePaymentIdentifier } from "../core/payment-identifier.ts";

/** A paid route, ready to be asked for. */
export interface Route {
  readonly options: RouteOptions;
  /** What a request is asked for. Fixed prices are ready; others throw what their function throws. */
  demand(request: PaywallRequest): Demand | Promise<Demand>;
  /** Networks that payments for it may be on. */
  readonly networks: readonly string[];
}

/** Methods that change nothing (RFC 9110, section 9.2.1). */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** One price, or several ways to pay. */
export type Accepts = PerRequest<Price | number> | readonly Offer[];

/** @throws TypeError for a route that cannot be charged. */
export function createRoute(
  accepts: Accepts,
  routeOptions: RouteOptions,
  options: PaywallOptions,
): Route {
  const ways: readonly Offer[] = isOfferList(accepts) ? accepts : [{ price: accepts }];
  if (ways.length === 0) throw new TypeError("accepts is empty: a paid route needs a price");
  const { schemes } = options;
  const network = routeOptions.network ?? options.network;
  const payTo = routeOptions.payTo ?? options.payTo;
  const maxTimeoutSeconds = routeOptions.maxTimeoutSeconds ?? options.maxTimeoutSeconds;
  const fixedMode = routeOptions.settle ?? options.settle;
  if (fixedMode !== undefined && fixedMode !== "after" && fixedMode !== "before")
    throw new TypeError(`settle "${String(fixedMode)}" is not "after" or "before"`);
  const defaultsOf = (settle: SettleMode): OfferDefaults => ({
    schemes,
    network,
    payTo,
    maxTimeoutSeconds,
    settle,
  });
  for (const way of ways) checkOffer(way, defaultsOf(fixedMode ?? "after"));

  const info = resourceInfo(routeOptions);
  const { paymentIdentifier = "optional" } = options;
  const extensions = {
    ...(paymentIdentifier !== "off" && declarePaymentIdentifier(paymentIdentifier === "required")),
    ...routeOptions.extensions,
  };
  const dynamic = ways.some((way) => isDynamic(way, defaultsOf("after")));
  const modeOf = ({ method }: PaywallRequest): SettleMode =>
    fixedMode ?? (SAFE_METHODS.has(method) ? "after" : "before");
  const fixed = (mode: SettleMode) =>
    createDemand(
      ways.map((way) => priceOffer(way, defaultsOf(mode))),
      info,
      extensions,
    );
  const ready = dynamic ? undefined : { after: fixed("after"), before: fixed("before") };
  return {
    options: routeOptions,
    networks: ways.map((way) => way.network ?? network ?? ""),
    demand: (request) => ready?.[modeOf(request)] ?? priced(request),
  };

  async function priced(request: PaywallRequest): Promise<Demand> {
    const defaults = defaultsOf(modeOf(request));
    const offers = await Promise.all(ways.map((way) => priceOfferFor(way, defaults, request)));
    return createDemand(offers, info, extensions);
  }
}

function resourceInfo(options: RouteOptions): Omit<ResourceInfo, "url"> {
  const { description, mimeType, serviceName, tags, iconUrl } = options;
  return {
    ...(description && { description }),
    ...(mimeType && { mimeType }),
    ...(serviceName && { serviceName }),
    ...(tags && { tags }),
    ...(iconUrl && { iconUrl }),
  };
}

function isOfferList(accepts: Accepts): accepts is readonly Offer[] {
  return Array.isArray(accepts);
}
