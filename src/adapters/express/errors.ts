/** Hears of errors of an Express route's handlers before the app's error handlers do. */
import type { IncomingMessage } from "node:http";

export type Next = (error?: unknown) => void;

/** A route of Express, as far as it is used. */
type Route = { readonly methods: Readonly<Record<string, boolean>> } & Partial<
  Record<string, (handler: typeof onError) => unknown>
>;

const listeners = new WeakMap<IncomingMessage, () => Promise<void>>();
const heard = new WeakSet<Route>();

/**
 * Calls a listener when a handler of the request's route throws, rejects or calls `next(error)`; the error then goes on
 * as ever. A middleware sees nothing of this, for what it calls `next` for does not come back to it; so the route gets
 * an error handler of ours as its last one, once it is known. Handlers that are no route's (`app.use`) are not heard.
 */
export function onRouteError(req: IncomingMessage, listener: () => Promise<void>): void {
  listeners.set(req, listener);
  let route = (req as { route?: Route }).route;
  if (route !== undefined) listenTo(route);
  // Express sets it when it comes to a route; a middleware runs before that.
  Object.defineProperty(req, "route", {
    configurable: true,
    enumerable: true,
    get: () => route,
    set(found: Route | undefined) {
      route = found;
      if (found !== undefined) listenTo(found);
    },
  });
}

function listenTo(route: Route): void {
  if (heard.has(route)) return;
  heard.add(route);
  // For the methods that it has: more of them would change what it answers to.
  for (const method of Object.keys(route.methods)) {
    route[method === "_all" ? "all" : method]?.(onError);
  }
}

/** Express takes it for an error handler by its four parameters. */
async function onError(
  error: unknown,
  req: IncomingMessage,
  _res: unknown,
  next: Next,
): Promise<void> {
  await listeners.get(req)?.();
  next(error);
}
