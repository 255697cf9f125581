/** Sites on Node's own requests and responses. */
import express from "express";
import fastify from "fastify";
import type { RequestListener } from "node:http";
import { Readable } from "node:stream";
import type { ReadableStream as NodeWebStream } from "node:stream/web";
import * as forExpress from "../../src/adapters/express.ts";
import * as forFastify from "../../src/adapters/fastify.ts";
import * as forNode from "../../src/adapters/node.ts";
import { SCENARIOS } from "./scenarios.ts";
import { acceptsOf, keyOf, routes, tableOf, type Build, type How } from "./site-parts.ts";

export const expressSite =
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

export const fastifySite =
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

export const nodeBuild =
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
