/** What is Express's own, in 4 and 5. */
import compression from "compression";
import express, { type ErrorRequestHandler, type Express } from "express";
import express4 from "express4";
import { createServer, type Server } from "node:http";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { paymentMiddleware, paywall } from "../../src/adapters/express.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { fakeFacilitator, NETWORK, PAY_TO } from "../server/world.ts";
import { close, listen } from "./sites.ts";
import { ask, buy, payFor, presenting } from "./visit.ts";

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(close));
});

async function serve(app: Express): Promise<number> {
  const server = createServer(app);
  servers.push(server);
  return listen(server);
}

const options = () => ({
  facilitator: fakeFacilitator(),
  schemes: [exactEvm()],
  network: NETWORK,
  payTo: PAY_TO,
});
const accepts = { price: "$0.01" };
const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FILE = "express.test.ts";
const TEXT = "farthing ".repeat(20_000);

describe.each([
  ["express 5", express],
  ["express 4", express4],
])("%s", (name, create) => {
  test("answers as without a paywall", async () => {
    const apps = [true, false].map((isPaid) => {
      const app = create();
      const paid = paywall(options());
      const guard = isPaid ? [paid("$0.01")] : [];
      app.get("/json", ...guard, (_req, res) => void res.json({ a: 1 }));
      app.get("/send", ...guard, (_req, res) => void res.send("<p>hello"));
      app.get("/buffer", ...guard, (_req, res) => void res.type("png").send(Buffer.from("png")));
      app.get("/status", ...guard, (_req, res) => void res.sendStatus(201));
      app.get("/redirect", ...guard, (_req, res) => res.redirect("/json"));
      app.get("/file", ...guard, (_req, res) => res.sendFile(FILE, { root: HERE }));
      app.get("/download", ...guard, (_req, res) => res.download(HERE + FILE, "report.ts"));
      app.get(
        "/cookie",
        ...guard,
        (_req, res) => void res.cookie("a", "1").cookie("b", "2").json(1),
      );
      app.get("/none", ...guard, (_req, res) => void res.status(204).end());
      return app;
    });
    const [paid = 0, free = 0] = await Promise.all(apps.map(serve));
    const paths = [
      "json",
      "send",
      "buffer",
      "status",
      "redirect",
      "file",
      "download",
      "cookie",
      "none",
    ];
    for (const path of paths.map((each) => `/${each}`)) {
      for (const method of ["GET", "HEAD"]) {
        const expected = await ask(free, path, { method });
        const reply = await buy(paid, path, { method });
        const what = `${method} ${path}`;
        expect([what, reply.status, reply.body]).toEqual([what, expected.status, expected.body]);
        const { date: _, ...headers } = expected.headers;
        expect(reply.headers, what).toMatchObject({
          ...headers,
          ...(path.match(/file|download/) && { "cache-control": expect.anything() }),
          vary: expect.anything(),
        });
      }
    }
  });

  test("a conditional request of what was bought is answered 304, and not charged", async () => {
    const settings = options();
    const app = create();
    app.get("/file", paywall(settings)("$0.01"), (_req, res) => res.sendFile(FILE, { root: HERE }));
    const port = await serve(app);
    const { headers } = await buy(port, "/file");
    const again = await buy(port, "/file", { headers: ["If-None-Match", headers.etag ?? ""] });
    expect([again.status, again.body, settings.facilitator.settles.length]).toEqual([304, "", 1]);
  });

  test.each(["before", "after"])("compression mounted %s the paywall", async (where) => {
    const app = create();
    const paid = paywall(options());
    const compress = compression({ threshold: 0 });
    const guards = where === "before" ? [compress, paid("$0.01")] : [paid("$0.01"), compress];
    app.get("/send", ...guards, (_req, res) => void res.type("text").send(TEXT));
    app.get("/file", ...guards, (_req, res) => res.sendFile("package-lock.json", { root: ROOT }));
    app.get("/pieces", ...guards, (_req, res) => {
      res.type("text");
      for (let at = 0; at < TEXT.length; at += 1000) res.write(TEXT.slice(at, at + 1000));
      res.end();
    });
    const streamed = where === "before" ? [compress] : [];
    const upfront = paid("$0.01", { settle: "before" });
    const after = where === "before" ? [] : [compress];
    app.get("/large", ...streamed, upfront, ...after, (_req, res) =>
      res.sendFile("package-lock.json", { root: ROOT }),
    );
    const port = await serve(app);
    const headers = ["Accept-Encoding", "gzip"];
    for (const path of ["/send", "/pieces", "/large", "/file"]) {
      const reply = await buy(port, path, { headers });
      expect([path, reply.status, reply.headers["content-encoding"]]).toEqual([path, 200, "gzip"]);
      const text = gunzipSync(reply.bytes).toString();
      expect(path === "/send" || path === "/pieces" ? text === TEXT : text.length > 100_000).toBe(
        true,
      );
    }
    const unpaid = await ask(port, "/send", { headers });
    expect(unpaid.status).toBe(402);
  });

  describe("an error is not charged, whatever the app makes of it", () => {
    const friendly: ErrorRequestHandler = (_error, _req, res, _next) =>
      void res.status(200).send("sorry");
    const guards = {
      paywall: (app: Express, settings: ReturnType<typeof options>) =>
        app.get("/report", paywall(settings)("$0.01")),
      paymentMiddleware: (app: Express, settings: ReturnType<typeof options>) =>
        app.use(paymentMiddleware({ "GET /report": { accepts } }, settings)),
    };
    const handlers: Record<string, express.RequestHandler> = {
      throws: () => {
        throw new Error("database down");
      },
      "calls next": (_req, _res, next) => next(new Error("database down")),
      "calls next later": (_req, _res, next) => void setTimeout(next, 1, new Error("down")),
      ...(name === "express 5" && { rejects: () => Promise.reject(new Error("down")) }),
    };
    const cases = Object.keys(guards).flatMap((guard) =>
      Object.keys(handlers).map((handler) => [guard, handler] as const),
    );
    test.each(cases)("%s, and the handler %s", async (guard, handler) => {
      const settings = options();
      const app = create();
      guards[guard as keyof typeof guards](app, settings);
      const router = create.Router();
      router.get("/report", handlers[handler]!);
      app.use(router);
      app.use(friendly);
      const port = await serve(app);
      const payment = await payFor(port, "/report");
      for (let round = 0; round < 2; round++) {
        const reply = await ask(port, "/report", { headers: presenting(payment) });
        expect([reply.status, reply.body]).toEqual([200, "sorry"]);
        expect(settings.facilitator.settles.length).toBe(0);
      }
      const { headers } = await ask(port, "/report", { method: "OPTIONS" });
      expect(headers.allow?.split(/, ?/)).toEqual(["GET", "HEAD"]);
    });
  });

  test("middleware before it: headers, res.locals, and what listens to the response's end", async () => {
    const app = create();
    const log: unknown[] = [];
    app.use((req, res, next) => {
      res.set("X-Request", "1");
      res.vary("Origin");
      res.append("Set-Cookie", "session=1");
      res.locals["user"] = "me";
      res.on("finish", () =>
        log.push([req.path, res.statusCode, res.headersSent, req.payment?.amount]),
      );
      next();
    });
    app.get("/report", paywall(options())("$0.01"), (_req, res) => {
      res.append("Set-Cookie", "a=1").send(res.locals["user"]);
    });
    const port = await serve(app);
    const unpaid = await ask(port, "/report");
    const paid = await buy(port, "/report");
    expect(unpaid.headers["set-cookie"]).toEqual(["session=1"]);
    expect(paid.headers["set-cookie"]).toEqual(["session=1", "a=1"]);
    for (const { headers } of [unpaid, paid]) expect(headers["x-request"]).toBe("1");
    expect(paid.headers.vary).toBe("Origin, PAYMENT-SIGNATURE, X-PAYMENT");
    expect(paid.body).toBe("me");
    expect(log).toEqual([
      ["/report", 402, true, undefined],
      ["/report", 402, true, undefined],
      ["/report", 200, true, "10000"],
    ]);
  });

  test("mounted routers: the URL is the whole one, and prices hold by either path", async () => {
    for (const key of ["GET /report", "GET /api/report", "/api/*"]) {
      const app = create();
      const router = create.Router();
      const guard = paymentMiddleware({ [key]: { accepts } }, options());
      router.get("/report", (_req, res) => void res.send("paid"));
      app.use("/api", guard, router);
      const port = await serve(app);
      for (const path of ["/api/report", "/API/Report/", "/api/%72eport", "/api//report"])
        expect([402, 404], path).toContain((await ask(port, path)).status);
    }
    const app = create();
    const router = create.Router();
    router.get(
      "/:id",
      paywall({ ...options(), baseUrl: "https://shop.example" })("$0.01"),
      (req, res) => {
        res.send(req.params["id"]);
      },
    );
    app.use("/items", router);
    const port = await serve(app);
    const unpaid = JSON.parse((await ask(port, "/items/7?x=1")).body) as { accepts: unknown };
    expect(unpaid.accepts).toMatchObject([{ resource: "https://shop.example/items/7?x=1" }]);
    expect((await buy(port, "/items/7")).body).toBe("7");
  });

  test("a URL that was rewritten before keeps its price", async () => {
    const app = create();
    app.use((req, _res, next) => {
      if (req.url === "/free") req.url = "/report";
      next();
    });
    app.use(paymentMiddleware({ "GET /report": { accepts } }, options()));
    app.get("/report", (_req, res) => void res.send("paid"));
    expect((await ask(await serve(app), "/free")).status).toBe(402);
  });

  test("a response that something else has sent meanwhile is left alone", async () => {
    const app = create();
    app.use((_req, res, next) => {
      res.status(503).send("too slow");
      next();
    });
    app.get("/report", paywall(options())("$0.01"), (_req, res) => void res.send("paid"));
    expect(await ask(await serve(app), "/report")).toMatchObject({ status: 503, body: "too slow" });
  });
});
