/** `farthing/hono`: paid routes in Hono. */
import type { Context, MiddlewareHandler } from "hono";
import { basePath } from "hono/route";
import type { Admitted, Gate, Payment } from "../server/gate.ts";
import type { Offer, PaywallOptions, RouteOptions } from "../server/options.ts";
import { createPaywall } from "../server/paywall.ts";
import type { Accepts } from "../server/route.ts";
import { routeTable } from "../server/route-table.ts";
import { finishResponse, toResponse } from "../server/web.ts";

export * from "../server/index.ts";

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
): (accepts: Accepts, route?: RouteOptions) => PaidMiddleware {
  const { gate } = createPaywall(options);
  return (accepts, routeOptions) => guard(gate(accepts, routeOptions));
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
  const { gate } = createPaywall(options);
  const table = routeTable(
    Object.fromEntries(
      Object.entries(routes).map(([key, { accepts, ...rest }]) => {
        const offers = Array.isArray(accepts) ? (accepts as readonly Offer[]) : [accepts as Offer];
        return [key, guard(gate(offers, rest))];
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
    const decision = await gate(c.req.raw);
    if ("answer" in decision) return toResponse(decision.answer);
    if ("free" in decision) return next();
    c.set("payment", decision.payment);
    try {
      await next();
    } catch (error) {
      await decision.abandon();
      throw error;
    }
    if (c.error === undefined) return send(c, decision);
    // What the app made of the error is sent as it is.
    await decision.abandon();
    return undefined;
  };
}

async function send(c: Context, admitted: Admitted): Promise<void> {
  const response = c.res;
  // Hono merges headers into a response that is replaced; an emptied one is replaced whole.
  c.res = undefined;
  c.res = await finishResponse(admitted, response);
}

function pathBelow(base: string, path: string): string {
  return base !== "/" && path.startsWith(base) ? path.slice(base.length) || "/" : path;
}
