/** `farthing/express`: paid routes in Express 4 and 5. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Decision, Payment, PaywallRequest } from "../server/gate.ts";
import type { PaywallOptions, RouteOptions } from "../server/options.ts";
import { createPaywall } from "../server/paywall.ts";
import type { Accepts } from "../server/route.ts";
import { routeGates, type FindGate, type PaidRoutes } from "./shared/middleware.ts";
import { enter, type Entry } from "./node/gate.ts";
import { nodeRequest, targetPaths } from "./node/request.ts";
import { onRouteError, type Next } from "./express/errors.ts";

export * from "../server/index.ts";
export { assertMounted, type ExpressApp } from "./express/mounted.ts";
export type { PaidRoute, PaidRoutes } from "./shared/middleware.ts";

declare global {
  // Where the types of Express, of 4 and of 5, let others add to a request.
  // oxlint-disable-next-line typescript/no-namespace
  namespace Express {
    interface Request {
      /** The payment that let a paid route's handler run; not there where it was let in for free. */
      payment?: Payment;
    }
  }
}

/** What is used of a request of Express. */
export interface ExpressRequest extends IncomingMessage {
  originalUrl: string;
  readonly baseUrl: string;
  readonly path: string;
  readonly protocol: string;
  payment?: Payment;
}

export type PaidHandler = (req: ExpressRequest, res: ServerResponse, next: Next) => void;

/**
 * A paywall for routes: `app.get("/report", paid("$0.01"), handler)`. With `cors`, preflights have to come to it too:
 * `app.options("/report", paid("$0.01"))`.
 *
 * @throws TypeError for options or prices that cannot work, when the route is made.
 */
export function paywall(
  options: PaywallOptions,
): (accepts: Accepts, route?: RouteOptions) => PaidHandler {
  const { gate } = createPaywall(options);
  return (accepts, route) => {
    const guard = gate(accepts, route);
    return handlerOf((request) => () => guard(request));
  };
}

/**
 * Drop-in for the ecosystem's middleware: `app.use(paymentMiddleware({ "GET /report": { accepts: … } }, options))`.
 * Prices go by path, and the paths match more widely than the router's; prefer `paywall`, which prices the route itself.
 * `assertMounted(app, routes)` tells of a priced route that the app does not have.
 *
 * @throws TypeError for routes or options that cannot work.
 */
export function paymentMiddleware(routes: PaidRoutes, options: PaywallOptions): PaidHandler {
  const find = routeGates(routes, options);
  return handlerOf((request, req) => {
    const { originalUrl, baseUrl, path } = req;
    return find(request, [...targetPaths(req, originalUrl), baseUrl + path, path]);
  });
}

function handlerOf(
  find: (request: PaywallRequest, req: ExpressRequest) => ReturnType<FindGate>,
): PaidHandler {
  return (req, res, next) => {
    const decide = find(nodeRequest(req, req.originalUrl, req.protocol), req);
    if (decide === undefined) next();
    else void admit(decide, req, res, next);
  };
}

async function admit(
  decide: () => Promise<Decision>,
  req: ExpressRequest,
  res: ServerResponse,
  next: Next,
): Promise<void> {
  let entry: Entry | undefined;
  try {
    entry = await enter(await decide(), res, isSocket(req));
  } catch (error) {
    return next(error);
  }
  if (entry === undefined) return;
  const { payment, held } = entry;
  if (payment !== undefined) req.payment = payment;
  if (held !== undefined) onRouteError(req, () => held.abandon());
  next();
}

/** Set by packages that lead WebSockets to routes. */
function isSocket(req: object): boolean {
  return "ws" in req && req.ws !== undefined;
}
