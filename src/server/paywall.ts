import { createContext } from "./context.ts";
import { createGate } from "./create-gate.ts";
import { assertSettles, facilitatorList } from "./facilitators.ts";
import type { Gate } from "./gate.ts";
import type { PaywallOptions, RouteOptions } from "./options.ts";
import { createRoute, type Accepts } from "./route.ts";
import { webGate, type WebGate } from "./web.ts";

export interface Paywall {
  /**
   * Gate of a route with one price, or with several ways to pay, for web-standard servers.
   *
   * @throws TypeError when it cannot be charged.
   */
  route(accepts: Accepts, options?: RouteOptions): WebGate;
  /** The same in plain form, for adapters. @throws TypeError when it cannot be charged. */
  gate(accepts: Accepts, options?: RouteOptions): Gate;
}

/**
 * A paywall: gates for paid routes over one or more facilitators. An unpaid request is answered 402 without any network
 * call; a paid one is verified, the handler runs once for the payment, and its response leaves after the payment was
 * settled.
 *
 * @throws TypeError for options that cannot work.
 */
export function createPaywall(options: PaywallOptions): Paywall {
  const facilitators = facilitatorList(options.facilitator);
  const context = createContext(options, facilitators);

  function gate(accepts: Accepts, routeOptions: RouteOptions = {}): Gate {
    const route = createRoute(accepts, routeOptions, options);
    for (const network of route.networks) assertSettles(facilitators, network);
    return createGate(context, route);
  }
  return { gate, route: (accepts, routeOptions) => webGate(gate(accepts, routeOptions)) };
}
