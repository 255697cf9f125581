/** Routes by path: which gate, and which routes an app has. */
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { assertMounted } from "../../src/adapters/hono.ts";
import { routeGates } from "../../src/adapters/shared/middleware.ts";
import { exactEvm } from "../../src/evm/index.ts";
import type { Decision, PaywallOptions } from "../../src/server/index.ts";
import { fakeFacilitator, NETWORK, PAY_TO } from "../server/world.ts";

const options: PaywallOptions = {
  facilitator: fakeFacilitator(),
  schemes: [exactEvm()],
  network: NETWORK,
  payTo: PAY_TO,
};
const accepts = { price: "$0.01" };
const dear = { price: "$1" };

async function decision(
  routes: Parameters<typeof routeGates>[0],
  method: string,
  path: string,
  headers: Record<string, string> = {},
  more: Partial<PaywallOptions> = {},
): Promise<Decision | undefined> {
  const request = new Request(`https://shop.example${path}`, { method, headers });
  return routeGates(routes, { ...options, ...more })(request, [path])?.();
}

const statusOf = (decided: Decision | undefined) =>
  decided !== undefined && "answer" in decided ? decided.answer.status : undefined;

describe("a request whose method is overridden", () => {
  const routes = { "DELETE /orders": { accepts: dear }, "POST /orders": { accepts } };
  const GET = { "X-HTTP-Method-Override": "delete" };

  test("is priced under the other method too", async () => {
    expect(
      statusOf(await decision({ "DELETE /orders": { accepts } }, "POST", "/orders", GET)),
    ).toBe(402);
    expect(statusOf(await decision(routes, "POST", "/orders?_method=PATCH"))).toBe(402);
  });

  test("is refused where the two have different prices", async () => {
    expect(statusOf(await decision(routes, "POST", "/orders", GET))).toBe(400);
    expect(statusOf(await decision(routes, "POST", "/orders?_method=DELETE"))).toBe(400);
    expect(
      statusOf(await decision(routes, "PUT", "/orders", { "X-HTTP-Method": "POST, DELETE" })),
    ).toBe(400);
    expect(statusOf(await decision({ "/orders": { accepts } }, "POST", "/orders", GET))).toBe(402);
  });
});

test("preflights are for the app, unless cors is on", async () => {
  const routes = { "GET /report": { accepts } };
  const headers = { "Access-Control-Request-Method": "GET" };
  expect(await decision(routes, "OPTIONS", "/report", headers)).toBeUndefined();
  expect(statusOf(await decision(routes, "OPTIONS", "/report", headers, { cors: true }))).toBe(204);
});

test("several offers, and options of a route", async () => {
  const decided = await decision(
    {
      "/report": {
        accepts: [accepts, { price: "$0.02", network: "eip155:8453" }],
        description: "A report",
        unpaidResponseBody: () => ({ contentType: "text/plain", body: "pay" }),
      },
    },
    "GET",
    "/report?x",
  );
  expect(decided).toMatchObject({
    answer: { status: 402, headers: { "content-type": "text/plain" }, body: "pay" },
  });
});

test.each(["report", "GET report", ""])('"%s" is no route', (key) => {
  expect(() => routeGates({ [key]: { accepts } }, options)).toThrow(TypeError);
});

describe("assertMounted of Hono", () => {
  const inner = new Hono().get("/daily", (c) => c.text(""));
  const app = new Hono()
    .use(async (_, next) => next())
    .get("/report", (c) => c.text(""))
    .all("/any", (c) => c.text(""))
    .post("/items/:id{[0-9]+}", (c) => c.text(""))
    .route("/reports", inner)
    .mount("/other", () => new Response())
    .use("/files/*", async (_, next) => next());

  test.each([
    "GET /report",
    "/report",
    "PUT /any",
    "POST /items/[id]",
    "GET /reports/daily",
    "/reports/*",
    "GET /other/x",
    "/files/*",
  ])("%s is there", (key) => {
    expect(() => assertMounted(app, { [key]: { accepts } })).not.toThrow();
  });

  test.each(["GET /raport", "POST /report", "GET /items/7", "/daily"])("%s is not", (key) => {
    expect(() => assertMounted(app, { [key]: { accepts } })).toThrow(`"${key}"`);
  });
});
