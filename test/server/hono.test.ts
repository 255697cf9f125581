import { serve } from "@hono/node-server";
import { Hono, type MiddlewareHandler } from "hono";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { paymentMiddleware, paywall, type PaidEnv } from "../../src/adapters/hono.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { fakeFacilitator, NETWORK, openShop, PAY_TO, paidRequest } from "./world.ts";

const servers: { close(): unknown }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(app: Hono): Promise<number> {
  const { port } = await new Promise<AddressInfo>((resolve) => {
    servers.push(serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, resolve));
  });
  return port;
}

/** Status of a request whose target is sent as it is written. */
const statusOf = (port: number, path: string, method = "GET"): Promise<number> =>
  new Promise((resolve, reject) => {
    const outgoing = request(
      { host: "127.0.0.1", port, path, method, agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    outgoing.once("error", reject).end();
  });

const options = () => ({
  facilitator: fakeFacilitator(),
  schemes: [exactEvm()],
  network: NETWORK,
  payTo: PAY_TO,
});
const accepts = { price: "$0.01" };

const SPELLINGS = [
  "/report",
  "/report/",
  "//report",
  "/REPORT",
  "/%72eport",
  "/%2572eport",
  "/report%2f",
  "/./report",
  "/x/../report",
  "/x/%2e%2e/report",
  "/report?x",
  "/report;v=1",
  "/report%3f",
  "/report#x",
  "http://evil.example/report",
];

describe("whatever the spelling, an unpaid request does not reach the handler", () => {
  const apps: readonly [string, (paid: MiddlewareHandler, app: Hono) => void][] = [
    [
      "strict routes",
      (middleware, app) => void app.use(middleware).get("/report", (c) => c.text("paid")),
    ],
    [
      "a mounted app",
      (middleware, app) =>
        void app.use(middleware).route(
          "/",
          new Hono().get("/report", (c) => c.text("paid")),
        ),
    ],
  ];
  test.each(apps)("paymentMiddleware before %s", async (_, build) => {
    for (const app of [new Hono(), new Hono({ strict: false })]) {
      build(paymentMiddleware({ "GET /report": { accepts } }, options()), app);
      const port = await listen(app);
      for (const path of SPELLINGS) expect(await statusOf(port, path), path).not.toBe(200);
      expect(await statusOf(port, "/report", "HEAD")).toBe(402);
    }
  });

  test("paywall on the route itself", async () => {
    const app = new Hono({ strict: false });
    app.get("/report", paywall(options())("$0.01"), (c) => c.text("paid"));
    const port = await listen(app);
    for (const path of SPELLINGS) expect(await statusOf(port, path), path).not.toBe(200);
    expect(await statusOf(port, "/report", "HEAD")).toBe(402);
  });

  test.each([
    "/files",
    "/files/",
    "/files/a",
    "/files/a/b",
    "/FILES/a",
    "/files//",
    "//files/a",
    "/%66iles/a",
    "/files%2fa",
  ])("a wildcard: %s", async (path) => {
    const app = new Hono();
    app.use(paymentMiddleware({ "/files/*": { accepts } }, options()));
    app.get("/files/*", (c) => c.text("paid"));
    expect(await statusOf(await listen(app), path)).not.toBe(200);
  });

  test("below a base path, with the middleware inside or outside", async () => {
    for (const key of ["GET /report", "GET /api/report"]) {
      const inner = new Hono();
      inner.use(paymentMiddleware({ [key]: { accepts } }, options()));
      inner.get("/report", (c) => c.text("paid"));
      const port = await listen(new Hono().route("/api", inner));
      expect(await statusOf(port, "/api/report"), key).toBe(402);
      expect(await statusOf(port, "/api/%72eport"), key).not.toBe(200);
    }
  });

  test("what has no price is free", async () => {
    const app = new Hono();
    app.use(paymentMiddleware({ "GET /report": { accepts } }, options()));
    app.get("/free", (c) => c.text("free"));
    const port = await listen(app);
    expect(await statusOf(port, "/free")).toBe(200);
    expect(await statusOf(port, "/report", "POST")).toBe(404);
  });
});

describe("a handler in Hono that throws is not paid", () => {
  async function visit(
    build: (app: Hono<PaidEnv>) => void,
  ): Promise<{ status: number; settles: number }> {
    const settings = options();
    const app = new Hono<PaidEnv>();
    build(app);
    app.get("/report", paywall(settings)("$0.01"), () => {
      throw new Error("database down");
    });
    const { offer } = await openShop();
    const { status } = await app.request(new Request(paidRequest(offer)));
    return { status, settles: settings.facilitator.settles.length };
  }

  test("with Hono's own error page", async () => {
    expect(await visit(() => undefined)).toEqual({ status: 500, settles: 0 });
  });

  test("even if the app turns the error into a friendly page with status 200", async () => {
    expect(await visit((app) => void app.onError((_, c) => c.text("sorry", 200)))).toMatchObject({
      settles: 0,
    });
  });
});

test("the handler sees the payment, and headers of earlier middleware stay", async () => {
  const app = new Hono<PaidEnv>();
  app.use(async (c, next) => {
    c.header("X-Before", "1");
    await next();
    c.header("X-After", "1");
  });
  app.get("/report", paywall(options())("$0.01"), (c) => c.json(c.get("payment")));
  const { offer } = await openShop();
  const response = await app.request(new Request(paidRequest(offer)));
  expect(await response.json()).toMatchObject({
    amount: "10000",
    asset: offer.asset,
    network: NETWORK,
  });
  expect(response.headers.get("X-Before")).toBe("1");
  expect(response.headers.get("X-After")).toBe("1");
  expect(response.headers.get("PAYMENT-RESPONSE")).not.toBeNull();
});
