import express from "express";
import express4 from "express4";
import fastify from "fastify";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as forExpress from "../../src/adapters/express.ts";
import * as forFastify from "../../src/adapters/fastify.ts";
import * as forNext from "../../src/adapters/next.ts";
import * as forNode from "../../src/adapters/node.ts";
import * as forWeb from "../../src/adapters/web.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { getRequestListener } from "@hono/node-server";
import type { PaywallOptions } from "../../src/server/index.ts";
import { officialFetch, officialReceipt } from "./peers.ts";
import { NETWORK } from "./route.ts";
import { startInteropWorld, type InteropWorld } from "./world.ts";

type Build = (options: PaywallOptions) => RequestListener | Promise<RequestListener>;

const expressSite =
  (create: typeof express): Build =>
  (options) => {
    const paid = forExpress.paywall(options);
    const app = create();
    app.get("/report", paid("$0.01"), (_req, res) => void res.json({ report: "ours" }));
    return app;
  };

const webSite =
  ({ paywall }: Pick<typeof forWeb, "paywall">): Build =>
  (options) =>
    getRequestListener(paywall(options)("$0.01", () => Response.json({ report: "ours" })));

const sites: Readonly<Record<string, Build>> = {
  "express 5": expressSite(express),
  "express 4": expressSite(express4),
  fastify: async (options) => {
    const paid = forFastify.paywall(options);
    const app = fastify();
    app.get("/report", { preHandler: paid("$0.01") }, async () => ({ report: "ours" }));
    await app.ready();
    return (req, res) => app.routing(req, res);
  },
  next: webSite(forNext),
  "next, pages": (options) =>
    forNext.apiPaywall(options)("$0.01", (_req, res) => res.end('{"report":"ours"}')),
  node: (options) => forNode.paywall(options)("$0.01", (_req, res) => res.end('{"report":"ours"}')),
  web: webSite(forWeb),
};

let world: InteropWorld;
const servers: Server[] = [];
beforeAll(async () => {
  world = await startInteropWorld();
});
afterAll(async () => {
  for (const server of servers) server.close().closeAllConnections();
  await world.stop();
});

describe.each(Object.entries(sites))("@x402/fetch pays our adapter for %s", (_, build) => {
  it.each(["after", "before"] as const)("settled %s", async (settle) => {
    const { payer, payTo, expectPaid } = await world.parties();
    const facilitator = world.facilitatorUrl;
    const listener = await build({
      payTo,
      network: NETWORK,
      facilitator,
      schemes: [exactEvm()],
      settle,
    });
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;

    const response = await officialFetch(payer.account)(`http://127.0.0.1:${port}/report`);

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ report: "ours" });
    await expectPaid(officialReceipt(response));
  });
});
