/** Which priced routes of a table an app does not have. */
import { routeTable } from "../../server/route-table.ts";
import type { PaidRoutes } from "./middleware.ts";

/** A route of an app, with parameters and wildcards in its path. */
export interface ServedRoute {
  /** `ALL` or `*` for any. */
  readonly method: string;
  readonly path: string;
}

/** A key of a table, in its parts. */
export interface RouteKey {
  readonly key: string;
  /** `*` for any. */
  readonly method: string;
  readonly path: string;
}

/** Keys that none of the routes can serve. */
export function unmounted(routes: PaidRoutes, served: readonly ServedRoute[]): RouteKey[] {
  return keysOf(routes).filter(
    (key) => !served.some((route) => methodsMeet(key, route) && pathsMeet(key.path, route.path)),
  );
}

/** @throws TypeError that names the keys, if there are any. */
export function assertNone(missing: readonly RouteKey[]): void {
  if (missing.length === 0) return;
  const names = missing.map(({ key }) => `"${key}"`).join(", ");
  throw new TypeError(`no route of the app, after what prices it, serves ${names}`);
}

export function keysOf(routes: PaidRoutes): RouteKey[] {
  return Object.keys(routes).map((key) => {
    const [first = "", second] = key.trim().split(/\s+/);
    return second === undefined
      ? { key, method: "*", path: first }
      : { key, method: first.toUpperCase(), path: second };
  });
}

/** A path that matches a pattern: what stands for parameters and wildcards is `filler`. */
export function samplePath(pattern: string, filler = "1"): string {
  return pattern.replace(/\[[^\]/]+\]|:\w+\??|\*\w*/g, filler);
}

function methodsMeet(key: RouteKey, route: ServedRoute): boolean {
  const served = route.method.toUpperCase();
  return [key.method, "*", "ALL"].includes(served) || key.method === "*";
}

/** Whether one of two patterns covers the other, as far as an example tells. */
export function pathsMeet(a: string, b: string): boolean {
  return covers(a, b) || covers(b, a);
}

function covers(pattern: string, other: string): boolean {
  if (!pattern.startsWith("/") && pattern !== "*") return false;
  return routeTable({ [pattern]: true }).find("GET", samplePath(other)) === true;
}
