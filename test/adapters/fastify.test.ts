/** What is Fastify's own. */
import fastify, { type FastifyInstance, type FastifyServerOptions } from "fastify";
import { createReadStream, readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { paymentMiddleware, paywall } from "../../src/adapters/fastify.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { fakeFacilitator, NETWORK, PAY_TO } from "../server/world.ts";
import { ask, buy, payFor, presenting } from "./visit.ts";

const apps: FastifyInstance[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) {
    app.server.closeAllConnections();
    await app.close();
  }
});

function create(options: FastifyServerOptions = {}): FastifyInstance {
  const app = fastify(options) as FastifyInstance;
  apps.push(app);
  return app;
}

async function serve(app: FastifyInstance): Promise<number> {
  return Number(new URL(await app.listen({ port: 0, host: "127.0.0.1" })).port);
}

const options = () => ({
  facilitator: fakeFacilitator(),
  schemes: [exactEvm()],
  network: NETWORK,
  payTo: PAY_TO,
});
const accepts = { price: "$0.01" };
const FILE = fileURLToPath(import.meta.url);

describe.each(["onRequest", "preHandler"] as const)("paid as %s", (hook) => {
  test("replies as without a paywall", async () => {
    const [paid = 0, free = 0] = await Promise.all(
      [true, false].map((isPaid) => {
        const app = create();
        const guard = isPaid ? { [hook]: paywall(options())("$0.01") } : {};
        app.get("/object", guard, async () => ({ a: 1 }));
        app.get("/text", guard, (_request, reply) => reply.header("X-A", "1").send("text"));
        app.get("/buffer", guard, async () => Buffer.from("bytes"));
        app.get("/stream", guard, (_request, reply) => reply.send(createReadStream(FILE)));
        app.get("/web", guard, async () => new Response("web", { headers: { "X-Web": "1" } }));
        app.get("/status", guard, async (_request, reply) => reply.code(201).send());
        app.get("/redirect", guard, (_request, reply) => reply.redirect("/object"));
        app.get("/cookies", guard, (_request, reply) =>
          reply.header("Set-Cookie", "a=1").header("Set-Cookie", "b=2").send("cookies"),
        );
        app.get("/trailers", guard, (_request, reply) =>
          reply.trailer("X-Sum", (_reply, _payload, done) => done(null, "1")).send("text"),
        );
        app.get("/raw", guard, (_request, reply) => {
          reply.hijack();
          reply.raw.writeHead(200, { "X-Raw": "1" }).end("raw");
        });
        return serve(app);
      }),
    );
    const paths = "object text buffer stream web status redirect cookies trailers raw".split(" ");
    for (const path of paths.map((each) => `/${each}`)) {
      const expected = await ask(free, path);
      const reply = await buy(paid, path);
      expect([path, reply.status, reply.body, reply.trailers]).toEqual([
        path,
        expected.status,
        expected.body,
        expected.trailers,
      ]);
      const { date: _, "transfer-encoding": _framing, ...headers } = expected.headers;
      expect(reply.headers, path).toMatchObject(headers);
    }
    const head = await buy(paid, "/text", { method: "HEAD" });
    expect([head.status, head.headers["content-length"]]).toEqual([200, "4"]);
  });

  test("early hints and hijacked replies wait", async () => {
    const app = create();
    app.get("/report", { [hook]: paywall(options())("$0.01") }, (_request, reply) => {
      reply.writeEarlyHints({ link: "</a.css>; rel=preload" });
      reply.hijack();
      reply.raw.write("a");
      reply.raw.end("b");
    });
    expect(await buy(await serve(app), "/report")).toMatchObject({ hints: [], body: "ab" });
  });

  test("an error is not charged, whatever the app makes of it", async () => {
    const settings = options();
    const paid = paywall(settings)("$0.01");
    const app = create();
    app.setErrorHandler((_error, _request, reply) => reply.code(200).send("sorry"));
    app.get("/throws", { [hook]: paid }, () => {
      throw new Error("down");
    });
    app.get("/rejects", { [hook]: paid }, () => Promise.reject(new Error("down")));
    app.get("/sends", { [hook]: paid }, async (_request, reply) => {
      await reply.send(new Error("down"));
    });
    app.get("/hook", { [hook]: [paid, () => Promise.reject(new Error("down"))] }, () => "paid");
    const port = await serve(app);
    for (const path of ["/throws", "/rejects", "/sends", "/hook"]) {
      const payment = await payFor(port, path);
      for (let round = 0; round < 2; round++) {
        const reply = await ask(port, path, { headers: presenting(payment) });
        expect([path, reply.status, reply.body]).toEqual([path, 200, "sorry"]);
      }
    }
    expect(settings.facilitator.settles.length).toBe(0);
  });

  test("headers of other hooks are in every answer, and their ends are called", async () => {
    const app = create();
    const log: number[] = [];
    app.addHook("onRequest", async (_request, reply) => {
      reply.header("X-Hook", "1").header("Vary", "Origin");
    });
    app.addHook("onResponse", async (_request, reply) => void log.push(reply.statusCode));
    app.get("/report", { [hook]: paywall(options())("$0.01") }, async () => "paid");
    const port = await serve(app);
    const replies = [await ask(port, "/report"), await buy(port, "/report")];
    expect(replies.map(({ headers }) => headers["x-hook"])).toEqual(["1", "1"]);
    expect(replies[1]!.headers.vary).toBe("Origin, PAYMENT-SIGNATURE, X-PAYMENT");
    await expect.poll(() => log).toEqual([402, 402, 200]);
  });
});

test("a request that is not valid is not asked to pay, as preHandler", async () => {
  const app = create();
  const schema = { querystring: { type: "object", required: ["day"] } };
  app.get("/report", { schema, preHandler: paywall(options())("$0.01") }, async () => "paid");
  const port = await serve(app);
  expect((await ask(port, "/report")).status).toBe(400);
  expect((await ask(port, "/report?day=1")).status).toBe(402);
});

test("a WebSocket has to be settled before", async () => {
  const app = create();
  const paid = paywall(options());
  app.addHook("onRequest", async (request) => void Object.assign(request, { ws: true }));
  app.get("/after", { preHandler: paid("$0.01") }, async () => "opened");
  app.get("/before", { preHandler: paid("$0.01", { settle: "before" }) }, async () => "opened");
  const port = await serve(app);
  const refused = await buy(port, "/after");
  expect([refused.status, JSON.parse(refused.body)]).toMatchObject([
    500,
    { code: "response_not_held" },
  ]);
  const payment = await payFor(port, "/before");
  const headers = presenting(payment);
  expect((await ask(port, "/before", { headers })).body).toBe("opened");
  expect((await ask(port, "/before", { headers })).status).toBe(409);
});

describe("paymentMiddleware", () => {
  const register = async (app: FastifyInstance, key: string) => {
    await app.register(paymentMiddleware({ [key]: { accepts } }, options()));
  };

  test.each<[string, string, string, FastifyServerOptions]>([
    ["parameters", "GET /items/:id", "/items/7", {}],
    ["a wildcard", "/items/*", "/items/7", {}],
    ["another case", "GET /items/:id", "/ITEMS/7", { routerOptions: { caseSensitive: false } }],
    [
      "slashes",
      "GET /items/:id",
      "//items//7/",
      {
        routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true },
      },
    ],
    ["semicolons", "GET /items/:id", "/items/7;x=1", { useSemicolonDelimiter: true }],
    ["a rewritten URL", "GET /items/:id", "/free", { rewriteUrl: () => "/items/7" }],
  ])("prices %s", async (_, key, path, serverOptions) => {
    const app = create(serverOptions);
    await register(app, key);
    let runs = 0;
    app.get("/items/:id", async () => `paid ${++runs}`);
    const port = await serve(app);
    for (const method of ["GET", "HEAD"])
      expect((await ask(port, path, { method })).status).toBe(402);
    expect(runs).toBe(0);
  });

  test("prices routes of plugins that come after it", async () => {
    const app = create();
    await register(app, "GET /api/report");
    const inner = async (plugin: FastifyInstance) => void plugin.get("/report", async () => "paid");
    await app.register(inner, { prefix: "/api" });
    expect((await ask(await serve(app), "/api/report")).status).toBe(402);
  });

  test("does not start without the route that it prices", async () => {
    const app = create();
    await register(app, "GET /raport");
    app.get("/report", async () => "paid");
    await expect(Promise.resolve(app.ready())).rejects.toThrow('"GET /raport"');
  });

  test("does not start when the route is in a plugin before it, which it cannot guard", async () => {
    const app = create();
    await app.register(async (inner) => void inner.get("/report", async () => "free"));
    await register(app, "GET /report");
    await expect(Promise.resolve(app.ready())).rejects.toThrow('"GET /report"');
  });
});

test("inject, which has no socket", async () => {
  const app = create();
  app.get("/report", { preHandler: paywall(options())("$0.01") }, (_request, reply) =>
    reply.send(Readable.from(["a", "b"])),
  );
  const unpaid = await app.inject("/report");
  expect([unpaid.statusCode, unpaid.headers["payment-required"]]).toEqual([
    402,
    expect.any(String),
  ]);
  expect(readFileSync(FILE, "utf8")).toContain("inject");
});
