/** What sites of the adapters' tests are made of. */
import type { RequestListener } from "node:http";
import type { PaidRoutes } from "../../src/adapters/web.ts";
import type { Offer, PaywallOptions } from "../../src/server/index.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";

/** How a site sets its prices. */
export type How = "paid" | "paymentMiddleware";
export type Build = (
  options: PaywallOptions,
  run: Run,
) => RequestListener | Promise<RequestListener>;
/** Counts a handler's runs. */
export type Run = (scenario: Scenario) => Scenario;

export const PRICE = "$0.01";
export const acceptsOf = ({ accepts = PRICE }: Scenario) => accepts;

export const routes = (): PaidRoutes =>
  Object.fromEntries(
    SCENARIOS.map(({ method = "GET", path, accepts = PRICE, route = {} }) => [
      `${method} ${path}`,
      { ...route, accepts: { price: accepts } as Offer },
    ]),
  );

export const keyOf = (method: string, path: string) =>
  `${method === "HEAD" ? "GET" : method} ${path}`;

export function tableOf<T>(entry: (scenario: Scenario) => T): Map<string, T> {
  return new Map(
    SCENARIOS.map((scenario) => [keyOf(scenario.method ?? "GET", scenario.path), entry(scenario)]),
  );
}
