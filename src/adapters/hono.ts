/** `farthing/hono`: paid routes in Hono. */
import type { Context, MiddlewareHandler } from "hono";
import { basePath } from "hono/route";
import type { Price } from "../core/scheme.ts";
import type { Offer } from "../server/offers.ts";
import {
  createPaywall,
  type Gate,
  type Payment,
  type PaywallOptions,
  type RouteOptions,
} from "../server/paywall.ts";
import { routeTable } from "../server/route-table.ts";

export {
  createPaywall,
  type Gate,
  type Payment,
  type PaywallOptions,
  type RouteOptions,
} from "../server/paywall.ts";
export type { Offer } from "../server/offers.ts";
export { httpFacilitator, type HttpFacilitatorOptions } from "../server/http-facilitator.ts";

/** What a paid route adds to Hono's context: `c.get("payment")`. */
export interface PaidEnv {
  Variables: { payment: Payment };
}

export type PaidMiddleware = MiddlewareHandler<PaidEnv>;

/**
 * A paywall for Hono routes: `app.get("/report", paid("$0.01"), handler)`.
 *
 * @throws TypeError for options or prices that cannot work, when the route is made.
 */
export function paywall(
  options: PaywallOptions,
): (price: Price | readonly Offer[], route?: RouteOptions) => PaidMiddleware {
  const { route } = createPaywall(options);
  return (price, routeOptions) => guard(route(price, routeOptions));
}

/** A route of `paymentMiddleware`, in the ecosystem's shape. */
export interface PaidRoute extends Omit<RouteOptions, "network" | "payTo"> {
  readonly accepts: Offer | readonly Offer[];
}

/**
 * Drop-in for the ecosystem's middleware: `app.use(paymentMiddleware({ "GET /report": { accepts: … } }, options))`.
 * Prices go by path, and the paths match more widely than the router's; prefer `paywall`, which prices the route itself.
 */
export function paymentMiddleware(
  routes: Readonly<Record<string, PaidRoute>>,
  options: PaywallOptions,
): MiddlewareHandler {
  const { route } = createPaywall(options);
  const table = routeTable(
    Object.fromEntries(
      Object.entries(routes).map(([key, { accepts, ...rest }]) => {
        const offers = Array.isArray(accepts) ? (accepts as readonly Offer[]) : [accepts as Offer];
        return [key, guard(route(offers, rest))];
      }),
    ),
  );
  return async (c, next) => {
    const { path, method } = c.req;
    const handler = table.find(method, path) ?? table.find(method, pathBelow(basePath(c), path));
    return handler === undefined ? next() : handler(c as Context<PaidEnv>, next);
  };
}

function guard(gate: Gate): PaidMiddleware {
  return async (c, next) => {
    const outcome = await gate(c.req.raw);
    if ("response" in outcome) return outcome.response;
    if ("free" in outcome) return next();
    c.set("payment", outcome.payment);
    try {
      await next();
    } catch (error) {
      outcome.abandon();
      throw error;
    }
    if (c.error !== undefined) {
      // What the app made of the error is sent as it is, and not charged.
      outcome.abandon();
      return undefined;
    }
    const response = c.res;
    // Hono merges headers into a response that is replaced; an emptied one is replaced whole.
    c.res = undefined;
    c.res = await outcome.finish(response);
    return undefined;
  };
}

function pathBelow(base: string, path: string): string {
  return base !== "/" && path.startsWith(base) ? path.slice(base.length) || "/" : path;
}
