/** `farthing/web`: paid handlers of web-standard servers such as Workers, Deno and Bun. */
import type { Gate, Payment } from "../server/gate.ts";
import type { PaywallOptions, RouteOptions } from "../server/options.ts";
import { createPaywall } from "../server/paywall.ts";
import { pathOf } from "../server/request-url.ts";
import type { Accepts } from "../server/route.ts";
import { finishResponse, toResponse } from "../server/web.ts";
import { routeGates, type PaidRoutes } from "./shared/middleware.ts";
import { isSwitched, onceOnly, SWITCHED } from "./shared/switched.ts";

export * from "../server/index.ts";
export type { PaidRoute, PaidRoutes } from "./shared/middleware.ts";

/** Takes what its platform gives beside the request: `(request, env, ctx)` of Workers, a router's context. */
export type WebHandler<R extends Request, Rest extends readonly unknown[]> = (
  request: R,
  ...rest: Rest
) => Response | Promise<Response>;

export type PaidWebHandler<R extends Request, Rest extends readonly unknown[]> = (
  request: R,
  ...rest: Rest
) => Promise<Response>;

const payments = new WeakMap<Request, Payment>();

/** The payment that let the handler run for this request; nothing when it was let in for free. */
export function getPayment(request: Request): Payment | undefined {
  return payments.get(request);
}

/**
 * A paywall for web-standard handlers: `paid("$0.01", (request) => Response.json(report))`.
 *
 * What the handler throws is thrown on after the payment was let go: nothing is charged for it.
 *
 * @throws TypeError for options or prices that cannot work, when the handler is made.
 */
export function paywall(options: PaywallOptions) {
  const { gate } = createPaywall(options);
  return <R extends Request, Rest extends readonly unknown[]>(
    accepts: Accepts,
    handler: WebHandler<R, Rest>,
    route?: RouteOptions,
  ): PaidWebHandler<R, Rest> => {
    const guard = gate(accepts, route);
    return (request, ...rest) => pass(guard, request, () => handler(request, ...rest));
  };
}

/**
 * Prices routes by path around a handler of a whole site: `paymentMiddleware(routes, options)(handler)`. Prefer
 * `paywall`, which prices the handler itself: only the handler's own router knows which paths lead to it.
 *
 * @throws TypeError for routes or options that cannot work.
 */
export function paymentMiddleware(routes: PaidRoutes, options: PaywallOptions) {
  const find = routeGates(routes, options);
  return <R extends Request, Rest extends readonly unknown[]>(
    handler: WebHandler<R, Rest>,
  ): PaidWebHandler<R, Rest> =>
    async (request, ...rest) => {
      const decide = find(request, [pathOf(request.url)]);
      const run = () => handler(request, ...rest);
      return decide === undefined ? run() : pass(decide, request, run);
    };
}

async function pass(
  gate: Gate,
  request: Request,
  run: () => Response | Promise<Response>,
): Promise<Response> {
  const decision = await gate(request);
  if ("answer" in decision) return toResponse(onceOnly(decision.answer));
  if ("free" in decision) return run();
  payments.set(request, decision.payment);
  let response: Response;
  try {
    response = await run();
  } catch (error) {
    await decision.abandon();
    throw error;
  }
  if (response.status !== 101) return finishResponse(decision, response);
  // The platform knows the socket by this very response.
  const finished = await decision.finish(SWITCHED);
  return isSwitched(finished) ? response : toResponse(finished);
}
