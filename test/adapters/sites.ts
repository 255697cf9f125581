/** A site for each adapter, with the same routes, on real sockets. */
import express from "express";
import express4 from "express4";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as forNext from "../../src/adapters/next.ts";
import * as forNode from "../../src/adapters/node.ts";
import * as forWeb from "../../src/adapters/web.ts";
import { exactEvm } from "../../src/evm/index.ts";
import type { PaywallEvent, PaywallOptions } from "../../src/server/index.ts";
import { fakeFacilitator, NETWORK, PAY_TO, type FakeFacilitator } from "../server/world.ts";
import { expressSite, fastifySite, nodeBuild } from "./node-sites.ts";
import type { Build } from "./site-parts.ts";
import { honoSite, webBuild } from "./web-sites.ts";

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
