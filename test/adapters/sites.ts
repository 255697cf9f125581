/** A site for each adapter, with the same routes, on real sockets. */
import { getRequestListener } from "@hono/node-server";
import express from "express";
import express4 from "express4";
import fastify from "fastify";
import { Hono } from "hono";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import type { ReadableStream as NodeWebStream } from "node:stream/web";
import * as forExpress from "../../src/adapters/express.ts";
import * as forFastify from "../../src/adapters/fastify.ts";
import * as forHono from "../../src/adapters/hono.ts";
import * as forNext from "../../src/adapters/next.ts";
import * as forNode from "../../src/adapters/node.ts";
import * as forWeb from "../../src/adapters/web.ts";
import { exactEvm } from "../../src/evm/index.ts";
import type { Offer, PaywallEvent, PaywallOptions } from "../../src/server/index.ts";
import { fakeFacilitator, NETWORK, PAY_TO, type FakeFacilitator } from "../server/world.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";

/** How a site sets its prices. */
export type How = "paid" | "paymentMiddleware";
type Build = (options: PaywallOptions, run: Run) => RequestListener | Promise<RequestListener>;
/** Counts a handler's runs. */
type Run = (scenario: Scenario) => Scenario;

const PRICE = "$0.01";
const acceptsOf = ({ accepts = PRICE }: Scenario) => accepts;

const routes = (): forWeb.PaidRoutes =>
  Object.fromEntries(
    SCENARIOS.map(({ method = "GET", path, accepts = PRICE, route = {} }) => [
      `${method} ${path}`,
      { ...route, accepts: { price: accepts } as Offer },
    ]),
  );

const expressSite =
  (create: typeof express, how: How): Build =>
  (options, run) => {
    const app = create();
    if (how === "paymentMiddleware") app.use(forExpress.paymentMiddleware(routes(), options));
    const paid = forExpress.paywall(options);
    for (const scenario of SCENARIOS) {
      const method = scenario.method === "POST" ? "post" : "get";
      const { node } = run(scenario);
      const guard = how === "paid" ? [paid(acceptsOf(scenario), scenario.route)] : [];
      app[method](scenario.path, ...guard, async (req, res, next) => {
        try {
          await node(req, res, req.payment);
        } catch (error) {
          next(error); // Express 4 leaves a rejection to the process
        }
      });
    }
    const quiet: express.ErrorRequestHandler = (_error, _req, res, _next) => {
      res.status(500).send("the app's own error page");
    };
    app.use(quiet);
    return app;
  };

const fastifySite =
  (how: How, hijack: boolean): Build =>
  async (options, run) => {
    const app = fastify({ exposeHeadRoutes: true });
    if (how === "paymentMiddleware")
      await app.register(forFastify.paymentMiddleware(routes(), options));
    const paid = forFastify.paywall(options);
    for (const scenario of SCENARIOS) {
      const { node, web } = run(scenario);
      const preHandler = how === "paid" ? [paid(acceptsOf(scenario), scenario.route)] : [];
      app.route({
        method: scenario.method ?? "GET",
        url: scenario.path,
        preHandler,
        handler: async (request, reply) => {
          if (hijack && !/throws|rejects/.test(scenario.path)) {
            reply.hijack();
            await node(request.raw, reply.raw, request.payment);
            return undefined;
          }
          const response = await web(
            new Request(`http://localhost${request.url}`),
            request.payment,
          );
          reply.code(response.status).headers(Object.fromEntries(response.headers));
          const cookies = response.headers.getSetCookie();
          if (cookies.length > 0) reply.removeHeader("set-cookie").header("set-cookie", cookies);
          const isStream = response.headers.get("Content-Type") === "text/event-stream";
          return reply.send(
            isStream
              ? Readable.fromWeb(response.body as NodeWebStream)
              : Buffer.from(await response.arrayBuffer()),
          );
        },
      });
    }
    app.setErrorHandler((_error, _request, reply) => {
      void reply.code(500).send("the app's own error page");
    });
    await app.ready();
    return (req, res) => app.routing(req, res);
  };

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

const keyOf = (method: string, path: string) => `${method === "HEAD" ? "GET" : method} ${path}`;

function tableOf<T>(entry: (scenario: Scenario) => T): Map<string, T> {
  return new Map(
    SCENARIOS.map((scenario) => [keyOf(scenario.method ?? "GET", scenario.path), entry(scenario)]),
  );
}

const webBuild =
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

const honoSite =
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

const nodeBuild =
  (paywall: typeof forNode.paywall, how: How): Build =>
  (options, run) => {
    type Handler = forNode.PaidListener<
      Parameters<RequestListener>[0],
      Parameters<RequestListener>[1]
    >;
    const paid = paywall(options);
    const table = tableOf((scenario): Handler => {
      const { node } = run(scenario);
      const handler = async (...[req, res]: Parameters<Handler>) => {
        await node(req, res, (req as forNode.PaidRequest).payment);
      };
      return how === "paid" ? paid(acceptsOf(scenario), handler, scenario.route) : handler;
    });
    const site: Handler = async (req, res) => {
      const handler = table.get(
        keyOf(req.method ?? "", new URL(req.url ?? "", "http://a").pathname),
      );
      if (handler === undefined) res.writeHead(404).end("no such page");
      else await handler(req, res);
    };
    const whole = how === "paid" ? site : forNode.paymentMiddleware(routes(), options)(site);
    return (req, res) => {
      whole(req, res).catch(() => res.writeHead(500).end("the app's own error page"));
    };
  };

export const ADAPTERS: Readonly<Record<string, Build>> = {
  "express 5": expressSite(express, "paid"),
  "express 4": expressSite(express4, "paid"),
  "express 5, paymentMiddleware": expressSite(express, "paymentMiddleware"),
  "express 4, paymentMiddleware": expressSite(express4, "paymentMiddleware"),
  fastify: fastifySite("paid", false),
  "fastify, hijacked": fastifySite("paid", true),
  "fastify, paymentMiddleware": fastifySite("paymentMiddleware", false),
  node: nodeBuild(forNode.paywall, "paid"),
  "node, paymentMiddleware": nodeBuild(forNode.paywall, "paymentMiddleware"),
  "next, pages": nodeBuild(forNext.apiPaywall, "paid"),
  next: webBuild(forNext, "paid"),
  web: webBuild(forWeb, "paid"),
  "web, paymentMiddleware": webBuild(forWeb, "paymentMiddleware"),
  hono: honoSite("paid"),
  "hono, paymentMiddleware": honoSite("paymentMiddleware"),
};

export interface Site {
  readonly port: number;
  readonly facilitator: FakeFacilitator;
  readonly events: PaywallEvent[];
  /** How often the handler of a path has run. */
  runs(path: string): number;
  close(): Promise<void>;
}

export async function openSite(build: Build, more: Partial<PaywallOptions> = {}): Promise<Site> {
  const facilitator = fakeFacilitator();
  const events: PaywallEvent[] = [];
  const runs = new Map<string, number>();
  const count = (path: string) => runs.set(path, (runs.get(path) ?? 0) + 1);
  const listener = await build(
    {
      facilitator,
      schemes: [exactEvm()],
      network: NETWORK,
      payTo: PAY_TO,
      onEvent: (event) => void events.push(event),
      ...more,
    },
    (scenario) => ({
      ...scenario,
      node: (...args) => (count(scenario.path), scenario.node(...args)),
      web: (...args) => (count(scenario.path), scenario.web(...args)),
    }),
  );
  const server = createServer(listener);
  const port = await listen(server);
  return {
    port,
    facilitator,
    events,
    runs: (path) => runs.get(path) ?? 0,
    close: () => close(server),
  };
}

export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

export async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
