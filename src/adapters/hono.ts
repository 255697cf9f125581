/** `farthing/hono`: paid routes in Hono. */
import type { Context, Hono, MiddlewareHandler } from "hono";
import { basePath } from "hono/route";
import type { Admitted, Gate, Payment } from "../server/gate.ts";
import type { PaywallOptions, RouteOptions } from "../server/options.ts";
import { createPaywall } from "../server/paywall.ts";
import type { Accepts } from "../server/route.ts";
import { finishResponse, toResponse } from "../server/web.ts";
import { routeGates, type PaidRoutes } from "./shared/middleware.ts";
import { assertNone, unmounted } from "./shared/mounted.ts";

export * from "../server/index.ts";
export type { PaidRoute, PaidRoutes } from "./shared/middleware.ts";

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

/**
 * Drop-in for the ecosystem's middleware: `app.use(paymentMiddleware({ "GET /report": { accepts: … } }, options))`.
 * Prices go by path, and the paths match more widely than the router's; prefer `paywall`, which prices the route itself.
 * `assertMounted(app, routes)` tells of a priced route that the app does not have.
 *
 * @throws TypeError for routes or options that cannot work.
 */
export function paymentMiddleware(routes: PaidRoutes, options: PaywallOptions): MiddlewareHandler {
  const find = routeGates(routes, options);
  return async (c, next) => {
    const { path, raw } = c.req;
    const decide = find(raw, [path, pathBelow(basePath(c), path)]);
    return decide === undefined ? next() : guard(decide)(c as Context<PaidEnv>, next);
  };
}

/**
 * Makes sure, when a site starts, that every priced route is there: one that is spelled wrong would price nothing. What
 * is mounted below a path (`app.mount`, `app.use("/files/*", …)`) counts as a route.
 *
 * @throws TypeError that names the routes that no route of the app serves.
 */
export function assertMounted(app: Pick<Hono, "routes">, routes: PaidRoutes): void {
  // What takes `next` may be middleware; for every path it serves none in particular.
  const served = app.routes.filter(
    ({ path, handler }) => handler.length < 2 || !["*", "/*"].includes(path),
  );
  assertNone(unmounted(routes, served));
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
