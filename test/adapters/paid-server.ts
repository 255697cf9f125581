/** Servers whose every page is paid, for handlers that a test writes. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterEach } from "vitest";
import { paywall } from "../../src/adapters/node.ts";
import { exactEvm } from "../../src/evm/index.ts";
import type { RouteOptions } from "../../src/server/index.ts";
import { fakeFacilitator, NETWORK, PAY_TO } from "../server/world.ts";
import { close, listen } from "./sites.ts";

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(close));
});

export type Handler = (req: IncomingMessage, res: ServerResponse) => unknown;

/** A server, until the test ends. */
export function listenTo(handler: Handler): Promise<number> {
  const server = createServer((req, res) => void handler(req, res));
  servers.push(server);
  return listen(server);
}

/** The same with a paywall before it, and what it heard of. */
export async function serve(handler: Handler, route?: RouteOptions) {
  const facilitator = fakeFacilitator();
  const errors: unknown[] = [];
  const options = { facilitator, schemes: [exactEvm()], network: NETWORK, payTo: PAY_TO };
  const listener = paywall(options)("$0.01", handler, route);
  const port = await listenTo((req, res) => {
    res.setHeader("X-Outer", "yes");
    listener(req, res).catch((error: unknown) => {
      errors.push(error);
      if (!res.headersSent) res.writeHead(500);
      res.end("error page");
    });
  });
  return { port, facilitator, errors };
}
