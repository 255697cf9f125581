/** Routes of `paymentMiddleware`, for every adapter: which gate a request has to pass, by its path and methods. */
import { X402Error } from "../../core/errors.ts";
import { undecided } from "../../server/answers.ts";
import { isPreflight } from "../../server/cors.ts";
import type { Decision, Gate, PaywallRequest } from "../../server/gate.ts";
import type { Offer, PaywallOptions, RouteOptions } from "../../server/options.ts";
import { createPaywall } from "../../server/paywall.ts";
import { routeTable } from "../../server/route-table.ts";

/** A route of `paymentMiddleware`, in the ecosystem's shape. */
export interface PaidRoute extends RouteOptions {
  readonly accepts: Offer | readonly Offer[];
}

/** Keys are `"GET /report"`, `"/report"` for any method, `"/items/:id"`, `"/items/[id]"`, `"/files/*"`. */
export type PaidRoutes = Readonly<Record<string, PaidRoute>>;

/** Decides about a request; nothing when no route prices it. */
export type FindGate = (
  request: PaywallRequest,
  /** Every path that a router may see in the request, as it came and as it was rewritten; a query may be there too. */
  paths: readonly string[],
) => (() => Promise<Decision>) | undefined;

/**
 * Makes the gates of a table of routes.
 *
 * A request is priced under its own method and under every method that it may be overridden with, so that an override
 * does not lead around a price; where these have different prices it is refused, because nobody can tell which applies.
 * With `cors`, a preflight is answered by the gate of the request that it asks for.
 *
 * @throws TypeError for a key that is none, and for a route that cannot be charged.
 */
export function routeGates(routes: PaidRoutes, options: PaywallOptions): FindGate {
  const { gate } = createPaywall(options);
  const table = routeTable(
    Object.fromEntries(
      Object.entries(routes).map(([key, { accepts, ...rest }]) => {
        const offers = isList(accepts) ? accepts : [accepts];
        return [key, gate(offers, rest)];
      }),
    ),
  );
  const find = (method: string, paths: readonly string[]): Gate | undefined => {
    for (const path of paths) {
      const [bare = ""] = path.split(/[?#]/, 1);
      const found = table.find(method, bare);
      if (found !== undefined) return found;
    }
    return undefined;
  };

  return (request, paths) => {
    const gates = new Set<Gate>();
    for (const method of methodsOf(request, options)) {
      const found = find(method, paths);
      if (found !== undefined) gates.add(found);
    }
    if (gates.size > 1) return ambiguous;
    const [only] = gates;
    return only && (() => only(request));
  };
}

const OVERRIDE_HEADERS = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"];

/** The method of a request, and what something behind the paywall may make of it. */
function methodsOf(request: PaywallRequest, { cors }: PaywallOptions): string[] {
  const { method, url, headers } = request;
  const methods = [method];
  for (const name of OVERRIDE_HEADERS) methods.push(...(headers.get(name)?.split(",") ?? []));
  const query = url.indexOf("?");
  if (query >= 0 && /method|%/i.test(url.slice(query)))
    methods.push(...new URLSearchParams(url.slice(query)).getAll("_method"));
  if (cors !== undefined && cors !== false && isPreflight(request))
    methods.push(headers.get("Access-Control-Request-Method") ?? "");
  return methods.map((each) => each.trim().toUpperCase());
}

function ambiguous(): Promise<Decision> {
  const detail = "The method is overridden, and each of the two methods has a price of its own.";
  return Promise.resolve({ answer: undecided(new X402Error("ambiguous_payment", detail)) });
}

function isList(accepts: PaidRoute["accepts"]): accepts is readonly Offer[] {
  return Array.isArray(accepts);
}
