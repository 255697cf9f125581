import { isSameJson } from "../core/json.ts";
import { PaymentRefused, PaymentRejected } from "./errors.ts";
import type { Demand } from "./payment-required.ts";
import { hostName } from "./host-name.ts";
import type { Outcome } from "./present.ts";
import type { Replayable } from "./replay.ts";

export interface KnownOffersOptions {
  /** Hosts that are paid with the first request; `"*.example.com"` is every host below it. */
  readonly hosts: readonly string[];
  /** For how long an offer counts as known; default 300. */
  readonly maxAgeSeconds?: number;
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number;
}

/** Offers that were paid before, by route: method, origin and path. */
export interface KnownOffers {
  /**
   * Pays with the first request, if the offer is known; nothing when it has changed, or may not be paid. What was signed
   * then is excluded by the payment that follows.
   */
  pay(
    request: Replayable,
    answer: (offer: Demand) => Promise<Outcome>,
  ): Promise<Response | undefined>;
  learn(method: string, url: string, demand: Demand | undefined): void;
}

const MAX_ROUTES = 1000;

/**
 * What an agent remembers of offers, to pay with the first request: one round trip in place of two.
 *
 * @throws TypeError for what is no host name, or no time.
 */
export function knownOffers(options: KnownOffersOptions): KnownOffers {
  const { maxAgeSeconds = 300, now = Date.now } = options;
  if (!(maxAgeSeconds > 0))
    throw new TypeError("knownOffers: maxAgeSeconds is not a positive number");
  const hosts = options.hosts.map((host) =>
    host.startsWith("*.") ? `*.${hostName(host.slice(2))}` : hostName(host),
  );
  const routes = new Map<string, { demand: Demand; untilMs: number; url: string }>();
  const routeOf = (method: string, url: string) => {
    const { hostname, origin, pathname } = new URL(url);
    const isListed = hosts.some((host) =>
      host.startsWith("*.") ? hostname.endsWith(host.slice(1)) : hostname === host,
    );
    return isListed ? `${method} ${origin}${pathname}` : undefined;
  };
  const find = (method: string, url: string): Demand | undefined => {
    const route = routeOf(method, url);
    const known = route === undefined ? undefined : routes.get(route);
    if (known === undefined || known.untilMs < now()) return undefined;
    const { demand } = known;
    if (known.url === url || demand.message === undefined) return demand;
    // The resource that it names is another one.
    const { resource: _, ...message } = demand.message;
    return { ...demand, message };
  };
  return {
    async pay(request, answer) {
      const { method, url } = request;
      const offer = find(method, url);
      // Without an identity the payment that follows a refusal would not know of this one.
      if (offer === undefined || (await request.identity()) === undefined) return undefined;
      let outcome: Outcome;
      try {
        outcome = await answer(offer);
      } catch (error) {
        if (error instanceof PaymentRefused) return undefined;
        throw error;
      }
      if ("paid" in outcome && (outcome.paid || !isRedirect(outcome.response)))
        return outcome.response;
      this.learn(method, url, undefined);
      // A server that refuses what it still offers refuses the payer.
      if ("rejected" in outcome && isSameJson(offer.offers, outcome.demand?.offers ?? offer.offers))
        throw new PaymentRejected(outcome.rejected);
      return undefined;
    },
    learn(method, url, demand) {
      const route = routeOf(method, url);
      if (route === undefined) return;
      routes.delete(route);
      if (demand !== undefined)
        routes.set(route, { demand, untilMs: now() + maxAgeSeconds * 1000, url });
      const oldest = routes.keys().next().value;
      if (routes.size > MAX_ROUTES && oldest !== undefined) routes.delete(oldest);
    },
  };
}

const isRedirect = ({ status, type }: Response): boolean =>
  (status >= 300 && status < 400) || type === "opaqueredirect";
