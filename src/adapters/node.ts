/** `farthing/node`: paid listeners of plain Node servers. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Decision, Payment } from "../server/gate.ts";
import type { PaywallOptions, RouteOptions } from "../server/options.ts";
import { createPaywall } from "../server/paywall.ts";
import type { Accepts } from "../server/route.ts";
import { routeGates, type PaidRoutes } from "./shared/middleware.ts";
import { enter } from "./node/gate.ts";
import { nodeRequest, targetPaths } from "./node/request.ts";

export * from "../server/index.ts";
export { upgradePaywall, type UpgradeListener } from "./node/upgrade.ts";
export type { PaidRoute, PaidRoutes } from "./shared/middleware.ts";

/** A request that was let in by a payment has it; one that was let in for free does not. */
export interface PaidRequest {
  payment?: Payment;
}

export type Listener<Req extends IncomingMessage, Res extends ServerResponse> = (
  req: Req & PaidRequest,
  res: Res,
) => unknown;

/** Resolves when the listener has, and rejects with what it throws, after the payment was let go. */
export type PaidListener<Req extends IncomingMessage, Res extends ServerResponse> = (
  req: Req,
  res: Res,
) => Promise<void>;

/**
 * A paywall for listeners: `createServer(paid("$0.01", (req, res) => res.end("the report")))`.
 *
 * @throws TypeError for options or prices that cannot work, when the listener is made.
 */
export function paywall(options: PaywallOptions) {
  const { gate } = createPaywall(options);
  return <Req extends IncomingMessage, Res extends ServerResponse>(
    accepts: Accepts,
    listener: Listener<Req, Res>,
    route?: RouteOptions,
  ): PaidListener<Req, Res> => {
    const guard = gate(accepts, route);
    return (req, res) => pass(() => guard(nodeRequest(req)), req, res, listener);
  };
}

/**
 * Prices routes by path around the listener of a whole site: `paymentMiddleware(routes, options)(listener)`. Prefer
 * `paywall`, which prices the listener itself: only the site's own router knows which paths lead where.
 *
 * @throws TypeError for routes or options that cannot work.
 */
export function paymentMiddleware(routes: PaidRoutes, options: PaywallOptions) {
  const find = routeGates(routes, options);
  return <Req extends IncomingMessage, Res extends ServerResponse>(
    listener: Listener<Req, Res>,
  ): PaidListener<Req, Res> =>
    async (req, res) => {
      const decide = find(nodeRequest(req), targetPaths(req, req.url ?? "/"));
      if (decide === undefined) await listener(req, res);
      else await pass(decide, req, res, listener);
    };
}

async function pass<Req extends IncomingMessage, Res extends ServerResponse>(
  decide: () => Promise<Decision>,
  req: Req & PaidRequest,
  res: Res,
  listener: Listener<Req, Res>,
): Promise<void> {
  const entry = await enter(await decide(), res);
  if (entry === undefined) return;
  if (entry.payment !== undefined) req.payment = entry.payment;
  try {
    await listener(req, res);
  } catch (error) {
    await entry.held?.abandon();
    throw error;
  }
}
