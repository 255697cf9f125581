/** `farthing/fastify`: paid routes in Fastify 5. */
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestAsyncHookHandler,
} from "fastify";
import type { Payment, PaywallRequest } from "../server/gate.ts";
import type { PaywallOptions, RouteOptions } from "../server/options.ts";
import { createPaywall } from "../server/paywall.ts";
import type { Accepts } from "../server/route.ts";
import { routeGates, type FindGate, type PaidRoutes } from "./shared/middleware.ts";
import { assertNone, unmounted } from "./shared/mounted.ts";
import { enter } from "./node/gate.ts";
import type { HeldResponse } from "./node/response.ts";
import { nodeRequest, targetPaths } from "./node/request.ts";

export * from "../server/index.ts";
export type { PaidRoute, PaidRoutes } from "./shared/middleware.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** The payment that let a paid route's handler run; not there where it was let in for free. */
    payment?: Payment;
  }
}

/** A hook for `onRequest`, before the body is read, or for `preHandler`, after it was found valid. */
export type PaidHook = onRequestAsyncHookHandler;

/**
 * A paywall for routes: `app.get("/report", { preHandler: paid("$0.01") }, handler)`. Hooks that stand before it in a
 * list, `[authenticate, paid("$0.01")]`, run before anything is asked or charged. Fastify makes HEAD routes of the same
 * options. With `cors`, preflights have to come to it too, by an OPTIONS route of its own.
 *
 * @throws TypeError for options or prices that cannot work, when the route is made.
 */
export function paywall(
  options: PaywallOptions,
): (accepts: Accepts, route?: RouteOptions) => PaidHook {
  const { gate } = createPaywall(options);
  return (accepts, route) => {
    const guard = gate(accepts, route);
    return hookOf((request) => () => guard(request));
  };
}

/**
 * Drop-in in the ecosystem's shape, as a plugin: `await app.register(paymentMiddleware(routes, options))`. Prices go by
 * path, and the paths match more widely than the router's; prefer `paywall`, which prices the route itself. It guards
 * what is registered after it: the app does not start when no such route is there for a price.
 *
 * @throws TypeError for routes or options that cannot work.
 */
export function paymentMiddleware(routes: PaidRoutes, options: PaywallOptions) {
  const find = routeGates(routes, options);
  const hook = hookOf((request, { originalUrl, raw, routeOptions }) =>
    find(request, [
      ...targetPaths(raw, originalUrl),
      ...targetPaths(raw, raw.url ?? "/"),
      routeOptions.url ?? "/",
    ]),
  );
  const plugin = async (app: FastifyInstance): Promise<void> => {
    const served: { method: string; path: string }[] = [];
    app.addHook("onRoute", ({ method, url }) => {
      for (const each of [method].flat()) served.push({ method: each, path: url });
    });
    app.addHook("onRequest", hook);
    app.addHook("onReady", async () => assertNone(unmounted(routes, served)));
  };
  // Its hooks are for the app that registers it, and not for the plugin alone.
  return Object.assign(plugin, {
    [Symbol.for("skip-override")]: true,
    [Symbol.for("fastify.display-name")]: "farthing",
  });
}

function hookOf(
  find: (request: PaywallRequest, from: FastifyRequest) => ReturnType<FindGate>,
): PaidHook {
  return async (request, reply) => {
    const { raw, originalUrl, protocol } = request;
    const decide = find(nodeRequest(raw, originalUrl, protocol), request);
    if (decide === undefined) return undefined;
    // Set by @fastify/websocket.
    const isSocket = (request as { readonly ws?: unknown }).ws === true;
    // Other hooks' headers are the reply's own; an answer that is sent in place of the handler's has them too.
    if (!reply.raw.headersSent) {
      for (const [name, value] of Object.entries(reply.getHeaders()))
        reply.raw.setHeader(name, value ?? "");
    }
    const entry = await enter(await decide(), reply.raw, isSocket);
    if (entry === undefined) return reply.hijack();
    if (entry.payment !== undefined) request.payment = entry.payment;
    if (entry.held !== undefined) abandonOnError(reply, entry.held);
    return undefined;
  };
}

/** Fastify sends what a handler throws, and what handles errors sends too; a hook of a route hears of neither. */
function abandonOnError(reply: FastifyReply, held: HeldResponse): void {
  const { send } = reply;
  reply.send = (payload) => {
    if (payload instanceof Error || isHandlingError(reply)) void held.abandon(true);
    return send.call(reply, payload);
  };
}

/** Set from before an error handler is called: also for what is no `Error`, and for what cannot be serialized. */
function isHandlingError(reply: FastifyReply): boolean {
  const mark = Object.getOwnPropertySymbols(reply).find(
    ({ description }) => description === "fastify.reply.nextErrorHandler",
  );
  return mark !== undefined && Reflect.get(reply, mark) !== undefined;
}
