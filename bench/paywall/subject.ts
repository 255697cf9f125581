/** A publisher's server, alone in its process. The facilitator is in process and says yes at once. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import express from "express";
import { x402ResourceServer } from "../../test/interop/node_modules/@x402/core/dist/esm/server/index.mjs";
import { ExactEvmScheme } from "../../test/interop/node_modules/@x402/evm/dist/esm/exact/server/index.mjs";
import { paymentMiddleware as officialExpress } from "../../test/interop/node_modules/@x402/express/dist/esm/index.mjs";
import { paymentMiddleware as officialHono } from "../../test/interop/node_modules/@x402/hono/dist/esm/index.mjs";
import { paywall as expressPaywall } from "../../src/adapters/express.ts";
import { paywall as honoPaywall } from "../../src/adapters/hono.ts";
import type { Facilitator } from "../../src/core/facilitator.ts";
import type { SettleResponse, Supported, VerifyResponse } from "../../src/core/messages.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { NETWORK, PATH, PAY_TO, type Listening, type SubjectName } from "./protocol.ts";

const PAYER = "0x857b06519E91e3A54538791bDbb0E22373e36b66";
const verified: VerifyResponse = { isValid: true, payer: PAYER };
const settled: SettleResponse = {
  success: true,
  transaction: `0x${"7a".repeat(32)}`,
  network: NETWORK,
  payer: PAYER,
};
const supported: Supported = {
  kinds: [{ x402Version: 2, scheme: "exact", network: NETWORK }],
  extensions: [],
  signers: {},
};
const facilitator: Facilitator = {
  verify: () => Promise.resolve(verified),
  settle: () => Promise.resolve(settled),
  supported: () => Promise.resolve(supported),
};

const options = { facilitator, schemes: [exactEvm()], network: NETWORK, payTo: PAY_TO };
const route = { description: "A report", mimeType: "application/json" };
const officialRoutes = {
  [`GET ${PATH}`]: {
    accepts: { scheme: "exact", price: "$0.01", network: NETWORK, payTo: PAY_TO },
    ...route,
  },
} as const;
const officialServer = () =>
  new x402ResourceServer({
    verify: () => facilitator.verify(undefined as never),
    settle: () => facilitator.settle(undefined as never),
    getSupported: () => facilitator.supported(),
  } as never).register(NETWORK, new ExactEvmScheme());

const body = { report: "The answer is 42.", items: Array.from({ length: 20 }, (_, n) => n) };

function hono(name: SubjectName): Promise<Listening> {
  const app = new Hono();
  if (name === "hono-official") app.use(officialHono(officialRoutes, officialServer()) as never);
  if (name === "hono-farthing")
    app.get(PATH, honoPaywall(options)("$0.01", route), (c) => c.json(body));
  else app.get(PATH, (c) => c.json(body));
  return new Promise((resolve) =>
    serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => resolve({ port })),
  );
}

function expressApp(name: SubjectName): Promise<Listening> {
  const app = express();
  if (name === "express-official")
    app.use(officialExpress(officialRoutes, officialServer()) as never);
  const handler = (_: unknown, response: { json(value: unknown): unknown }) => response.json(body);
  if (name === "express-farthing")
    app.get(PATH, expressPaywall(options)("$0.01", route) as never, handler);
  else app.get(PATH, handler);
  const server = createServer(app as never);
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve({ port: (server.address() as AddressInfo).port })),
  );
}

const name = process.argv[2] as SubjectName;
process.on("disconnect", () => process.exit());
process.send?.(await (name.startsWith("hono") ? hono(name) : expressApp(name)));
