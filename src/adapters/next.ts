/** `farthing/next`: paid route handlers of Next.js. */
import type { PaywallOptions, RouteOptions } from "../server/options.ts";
import type { Accepts } from "../server/route.ts";
import { paywall as nodePaywall, type PaidListener } from "./node.ts";
import { paywall as webPaywall, type PaidWebHandler, type WebHandler } from "./web.ts";

export * from "../server/index.ts";
export { getPayment } from "./web.ts";

/**
 * A paywall for route handlers of the app router, in `app/report/route.ts`:
 * `export const GET = paid("$0.01", (request) => Response.json(report))`. HEAD goes to GET and is priced as it. Next
 * answers OPTIONS itself, so for `cors` export it too: `export const OPTIONS = GET`.
 *
 * @throws TypeError for options or prices that cannot work, when the handler is made.
 */
export function paywall(options: PaywallOptions) {
  const paid = webPaywall(options);
  return <R extends Request, Rest extends readonly unknown[]>(
    accepts: Accepts,
    handler: WebHandler<R, Rest>,
    route?: RouteOptions,
  ): PaidWebHandler<R, Rest> => {
    const guarded = paid(accepts, handler, route);
    return async (request, ...rest) => {
      // Next tells a handler that depends on its request from one that it may run once, while it builds, by what this
      // throws; a gate does not throw.
      void request.headers;
      void request.url;
      return guarded(request, ...rest);
    };
  };
}

/**
 * The same for handlers of the pages router, in `pages/api/report.ts`:
 * `export default paid("$0.01", (req, res) => res.json(report))`, with `req.payment`.
 *
 * @throws TypeError for options or prices that cannot work, when the handler is made.
 */
export function apiPaywall(options: PaywallOptions): ReturnType<typeof nodePaywall> {
  return nodePaywall(options);
}

export type { PaidListener };
