/** However a site's router reads the path of a request, `paymentMiddleware` of Node has read it too. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { afterEach, expect, test } from "vitest";
import { paymentMiddleware } from "../../src/adapters/node.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { fakeFacilitator, NETWORK, PAY_TO } from "../server/world.ts";
import { close, listen } from "./sites.ts";
import { ask } from "./visit.ts";

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(close));
});

const options = {
  facilitator: fakeFacilitator(),
  schemes: [exactEvm()],
  network: NETWORK,
  payTo: PAY_TO,
};

const READERS: Record<string, (req: IncomingMessage) => string> = {
  "over a base": ({ url = "" }) => new URL(url, "http://localhost").pathname,
  "over the Host": ({ url = "", headers }) => new URL(url, `http://${headers.host}`).pathname,
  "after the Host": ({ url = "", headers }) => new URL(`http://${headers.host}${url}`).pathname,
};

test.each(Object.keys(READERS))("a URL %s", async (name) => {
  const routes = { "GET /report": { accepts: { price: "$0.01" } } };
  const site = paymentMiddleware(
    routes,
    options,
  )((req, res) => {
    res.end(READERS[name]!(req) === "/report" ? "the report" : "free");
  });
  const server = createServer((req, res) => void site(req, res).catch(() => res.destroy()));
  servers.push(server);
  const port = await listen(server);
  for (const path of ["/report", "//evil/report", "/\\evil/report", "//evil/x/%2e%2e/report"])
    expect((await ask(port, path)).body, path).not.toBe("the report");
  for (const host of ["x/report#", "x/report?", "x\\report?", "x/report#, y", "x/a/../report#"]) {
    const { body } = await ask(port, "/free", { headers: ["Host", host] });
    expect(body, host).not.toBe("the report");
  }
  expect((await ask(port, "/free")).body).toBe("free");
  expect((await ask(port, "//evil/free")).body).toBe("free");
});
