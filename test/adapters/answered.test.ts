/** What becomes of a payment when a response is sent by something else than the paid handler. */
import express, { type ErrorRequestHandler } from "express";
import express4 from "express4";
import fastify from "fastify";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import * as forExpress from "../../src/adapters/express.ts";
import * as forFastify from "../../src/adapters/fastify.ts";
import { exactEvm } from "../../src/evm/index.ts";
import type { RouteOptions } from "../../src/server/index.ts";
import { fakeFacilitator, NETWORK, PAY_TO, PAYER } from "../server/world.ts";
import { serve as serveNode } from "./paid-server.ts";
import { close, listen } from "./sites.ts";
import { ask, buy, payFor, presenting } from "./visit.ts";

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(close));
});

function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  return listen(server);
}

const options = () => ({
  facilitator: fakeFacilitator(),
  schemes: [exactEvm()],
  network: NETWORK,
  payTo: PAY_TO,
});

type Site = (
  settings: ReturnType<typeof options>,
  route: RouteOptions,
  onRequest: (res: ServerResponse) => void,
  run: () => void,
) => RequestListener | Promise<RequestListener>;

const SITES: Record<string, Site> = {
  express: (settings, route, onRequest, run) => {
    const app = express();
    app.use((_req, res, next) => {
      onRequest(res);
      next();
    });
    app.get("/report", forExpress.paywall(settings)("$0.01", route), (_req, res) => {
      run();
      res.end("paid");
    });
    return app;
  },
  fastify: async (settings, route, onRequest, run) => {
    const app = fastify();
    app.addHook("onRequest", async (_request, reply) => {
      reply.header("X-Hook", "1");
      onRequest(reply.raw);
    });
    const preHandler = forFastify.paywall(settings)("$0.01", route);
    app.get("/report", { preHandler }, async () => {
      run();
      return "paid";
    });
    await app.ready();
    return (req, res) => app.routing(req, res);
  },
};

describe.each(Object.keys(SITES))(
  "%s: a timeout has answered while the payment is looked at",
  (name) => {
    test.each(["after", "before"] as const)("settled %s", async (settle) => {
      const settings = options();
      const { facilitator } = settings;
      let response: ServerResponse | undefined;
      let runs = 0;
      const listener = await SITES[name]!(
        settings,
        { settle },
        (res) => (response = res),
        () => (runs += 1),
      );
      const port = await serve(listener);
      const headers = presenting(await payFor(port, "/report"));
      facilitator.onVerify = () => {
        response?.writeHead(503).end("too slow");
        return { isValid: true, payer: PAYER };
      };
      const late = await ask(port, "/report", { headers });
      expect([late.status, late.body]).toEqual([503, "too slow"]);
      facilitator.onVerify = () => ({ isValid: true, payer: PAYER });
      let again = await ask(port, "/report", { headers });
      for (let tries = 0; again.status === 409 && tries < 20; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        again = await ask(port, "/report", { headers });
      }
      expect([again.status, again.body, runs, facilitator.settles.length]).toEqual([
        200,
        "paid",
        1,
        1,
      ]);
    });
  },
);

describe("a handler that fails, and goes on", () => {
  test.each([
    ["express 5", express],
    ["express 4", express4],
  ])("%s: the error page is sent, and nothing of the handler's", async (_, create) => {
    const settings = options();
    const paid = forExpress.paywall(settings);
    const app = create();
    app.get("/json", paid("$0.01"), (_req, res, next) => {
      next(new Error("down"));
      res.set("X-Secret", "1").status(201).json("secret");
    });
    app.get("/pieces", paid("$0.01"), (_req, res, next) => {
      next(new Error("down"));
      res.writeHead(201, "Secret", { "X-Secret": "1" });
      res.write("secret");
      res.flushHeaders();
      res.end("secret");
    });
    const sorry: ErrorRequestHandler = (_error, _req, res, _next) => void res.end("sorry");
    app.use(sorry);
    const port = await serve(app);
    for (const path of ["/json", "/pieces"]) {
      const reply = await buy(port, path);
      expect([path, reply.status, reply.reason, reply.body]).toEqual([path, 200, "OK", "sorry"]);
      expect(JSON.stringify(reply.rawHeaders)).not.toMatch(/secret|etag/i);
    }
    expect(settings.facilitator.settles.length).toBe(0);
  });

  test("node: the same", async () => {
    const { port, facilitator } = await serveNode((_, res) => {
      queueMicrotask(() => void res.setHeader("X-Secret", "1").end("secret"));
      throw new Error("down");
    });
    const reply = await buy(port, "/");
    expect([reply.status, reply.body, reply.headers["x-secret"]]).toEqual([
      500,
      "error page",
      undefined,
    ]);
    expect(facilitator.settles.length).toBe(0);
  });
});

test("fastify: what is thrown is no Error, or the reply cannot be made: not charged", async () => {
  const settings = options();
  const preHandler = forFastify.paywall(settings)("$0.01");
  const app = fastify();
  app.setErrorHandler((_error, _request, reply) => reply.code(200).send("sorry"));
  app.get("/throws", { preHandler }, () => {
    // Handlers throw such things too.
    // oxlint-disable-next-line typescript/only-throw-error
    throw "down";
  });
  // Handlers reject with such things too.
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors
  app.get("/rejects", { preHandler }, () => Promise.reject({ code: "down" }));
  app.get("/bigint", { preHandler }, async () => ({ count: 1n }));
  const fails = () => Promise.reject(new Error("down"));
  app.get("/hook", { preHandler, preSerialization: fails }, async () => ({ report: 1 }));
  app.get("/on-send", { preHandler, onSend: fails }, async () => "report");
  await app.ready();
  const port = await serve((req, res) => app.routing(req, res));
  for (const path of ["/throws", "/rejects", "/bigint", "/hook", "/on-send"])
    expect((await buy(port, path)).body, path).not.toContain("report");
  expect(settings.facilitator.settles.length).toBe(0);
});
