/** Sites on web requests and responses. */
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import * as forHono from "../../src/adapters/hono.ts";
import * as forWeb from "../../src/adapters/web.ts";
import { SCENARIOS } from "./scenarios.ts";
import { acceptsOf, keyOf, routes, tableOf, type Build, type How } from "./site-parts.ts";

/** A site for adapters that wrap handlers: finds the handler by the path as it is. */
function webSite(
  find: (
    method: string,
    path: string,
  ) => ((request: Request) => Response | Promise<Response>) | undefined,
) {
  return getRequestListener(
    (request) => {
      const handler = find(request.method, new URL(request.url).pathname);
      if (handler === undefined) return new Response("no such page", { status: 404 });
      return handler(request);
    },
    {
      errorHandler: (error) =>
        // No Request can be made of some targets.
        (error as Error).name === "RequestError"
          ? new Response(null, { status: 400 })
          : new Response("the app's own error page", { status: 500 }),
    },
  );
}

export const webBuild =
  (adapter: Pick<typeof forWeb, "paywall" | "getPayment">, how: How): Build =>
  (options, run) => {
    const paid = adapter.paywall(options);
    const table = tableOf((scenario) => {
      const { web } = run(scenario);
      const handler = (request: Request) => web(request, adapter.getPayment(request));
      return how === "paid" ? paid(acceptsOf(scenario), handler, scenario.route) : handler;
    });
    if (how === "paid") return webSite((method, path) => table.get(keyOf(method, path)));
    const whole = forWeb.paymentMiddleware(
      routes(),
      options,
    )((request: Request) => {
      const handler = table.get(keyOf(request.method, new URL(request.url).pathname));
      return handler?.(request) ?? new Response("no such page", { status: 404 });
    });
    return webSite(() => whole);
  };

export const honoSite =
  (how: How): Build =>
  (options, run) => {
    const app = new Hono<forHono.PaidEnv>();
    if (how === "paymentMiddleware") app.use(forHono.paymentMiddleware(routes(), options));
    const paid = forHono.paywall(options);
    for (const scenario of SCENARIOS) {
      const { web } = run(scenario);
      const guard: forHono.PaidMiddleware[] =
        how === "paid" ? [paid(acceptsOf(scenario), scenario.route)] : [];
      app.on([scenario.method ?? "GET"], [scenario.path], ...guard, (c) =>
        web(c.req.raw, c.get("payment")),
      );
    }
    app.onError((_, c) => c.text("the app's own error page", 500));
    return getRequestListener(app.fetch);
  };
