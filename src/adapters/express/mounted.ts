/** Which priced routes an Express app does not have. */
import type { PaidRoutes } from "../shared/middleware.ts";
import { assertNone, keysOf, pathsMeet, samplePath, type RouteKey } from "../shared/mounted.ts";

/** An app of Express 4 or 5. */
export type ExpressApp = object;

/** What routers of Express 4 and 5 have in common. */
interface Layer {
  readonly name: string;
  readonly handle: { readonly stack?: readonly Layer[] };
  readonly route?: {
    readonly path: unknown;
    readonly methods: Readonly<Record<string, boolean>>;
  };
  /** What was matched last, where `match` does not say. */
  readonly path?: string;
  match(path: string): boolean | { readonly path: string };
}

/**
 * Makes sure, when a site starts, that every priced route is there: one that is spelled wrong would price nothing. A
 * layer that may serve anything below its path counts as a route: a static folder, a mounted app, middleware at a path.
 *
 * @throws TypeError that names the routes that no route of the app serves.
 */
export function assertMounted(app: ExpressApp, routes: PaidRoutes): void {
  const stack = stackOf(app);
  assertNone(keysOf(routes).filter((key) => !isServed(key, key.path, stack)));
}

function stackOf(app: object): readonly Layer[] {
  type Router = { readonly stack?: readonly Layer[] };
  const of4 = Reflect.get(app, "_router") as Router | undefined;
  // Express 4 throws when `router` is read.
  const router = of4 ?? (app as { readonly router?: Router }).router;
  return router?.stack ?? (app as Router).stack ?? [];
}

function isServed(key: RouteKey, path: string, stack: readonly Layer[]): boolean {
  return stack.some((layer) => {
    if (layer.route !== undefined)
      return hasMethod(key, layer.route.methods) && isPathOf(layer, path);
    const prefix = matched(layer, path);
    const below = layer.handle.stack;
    if (prefix === undefined) return below !== undefined && path.includes("*");
    if (below === undefined)
      return prefix !== "" || layer.name === "serveStatic" || layer.name === "mounted_app";
    const depth = prefix.split("/").length;
    return isServed(key, `/${path.split("/").slice(depth).join("/")}`, below);
  });
}

function isPathOf(layer: Layer, path: string): boolean {
  const paths = [layer.route?.path].flat(Infinity);
  return (
    matched(layer, path) !== undefined ||
    paths.some((each) => typeof each === "string" && pathsMeet(path, each))
  );
}

/** What a layer matches of a path. Parameters may be held to a pattern: numbers and words are tried. */
function matched(layer: Layer, path: string): string | undefined {
  for (const filler of ["1", "a"]) {
    const match = layer.match(samplePath(path, filler));
    if (match !== false) return (match === true ? layer.path : match.path) ?? "";
  }
  return undefined;
}

function hasMethod({ method }: RouteKey, methods: Readonly<Record<string, boolean>>): boolean {
  return method === "*" || methods["_all"] === true || methods[method.toLowerCase()] === true;
}
