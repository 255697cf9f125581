/** Connections that a payment switches to another protocol. */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { upgradePaywall } from "../../src/adapters/node.ts";
import { paywall } from "../../src/adapters/web.ts";
import { exactEvm } from "../../src/evm/index.ts";
import {
  failedWith,
  fakeFacilitator,
  NETWORK,
  paymentFor,
  PAY_TO,
  presenting as presentingTo,
  settled,
  demandOf as demandOfResponse,
} from "../server/world.ts";
import { close, listen } from "./sites.ts";
import { ask, payFor, presenting, send } from "./visit.ts";

const facilitator = fakeFacilitator();
const options = { facilitator, schemes: [exactEvm()], network: NETWORK, payTo: PAY_TO };
const UPGRADE = ["Connection", "Upgrade", "Upgrade", "echo"];
let runs = 0;

const server = createServer((_, res) => res.end("no upgrade"));
let port = 0;
beforeAll(async () => {
  const paid = upgradePaywall(options);
  const listener = paid("$0.01", (_, socket) => {
    runs += 1;
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
    );
    socket.pipe(socket);
  });
  server.on("upgrade", (...args) => void listener(...args));
  port = await listen(server);
});
afterAll(() => close(server));

test("unpaid, and with a payment that cannot be read", async () => {
  const unpaid = await ask(port, "/socket", { headers: UPGRADE });
  expect([unpaid.status, unpaid.headers["payment-required"]]).toEqual([402, expect.any(String)]);
  const malformed = [...UPGRADE, "PAYMENT-SIGNATURE", "?"];
  expect((await ask(port, "/socket", { headers: malformed })).status).toBe(400);
  expect(runs).toBe(0);
});

test("paid: settled before, and opens one connection", async () => {
  const payment = await payFor(port, "/socket", { headers: UPGRADE });
  const headers = [...UPGRADE, ...presenting(payment)];
  const [response, socket] = (await once(send(port, "/socket", { headers }), "upgrade")) as [
    IncomingMessage,
    Duplex,
  ];
  expect([response.statusCode, facilitator.settles.length]).toEqual([101, 1]);
  socket.write("hello");
  expect(String((await once(socket, "data"))[0])).toBe("hello");
  socket.destroy();
  const again = await ask(port, "/socket", { headers });
  expect([again.status, runs, facilitator.settles.length]).toEqual([409, 1, 1]);
});

test("not settled: 402, and the listener does not run", async () => {
  facilitator.onSettle = () => failedWith("insufficient_funds");
  const payment = await payFor(port, "/socket", { headers: UPGRADE });
  const before = runs;
  const reply = await ask(port, "/socket", { headers: [...UPGRADE, ...presenting(payment)] });
  expect([reply.status, runs]).toEqual([402, before]);
  facilitator.onSettle = settled;
});

test("a web-standard handler that answers 101 has its own response sent, once", async () => {
  // Only a server's runtime can make one.
  const switching = Object.defineProperty(new Response(), "status", { value: 101 });
  const handler = paywall(options)("$0.01", (_request: Request) => switching);
  const url = "https://shop.example/socket";
  const offer = demandOfResponse(await handler(new Request(url))).accepts[0]!;
  const payment = paymentFor(offer);
  expect(await handler(presentingTo(payment, url))).toBe(switching);
  expect((await handler(presentingTo(payment, url))).status).toBe(409);
});
