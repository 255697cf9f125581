/** Facilitators of another make, at real sockets. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "vitest";
import type { FacilitatorRequest } from "../../src/core/messages.ts";
import { openShop, paymentFor } from "./world.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** A facilitator of another make at a real socket. */
export async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export const answering = (status: number, body: string, type = "application/json") =>
  listen((_, response) => response.writeHead(status, { "Content-Type": type }).end(body));

const { offer } = await openShop();
export const request: FacilitatorRequest = {
  x402Version: 2,
  paymentPayload: paymentFor(offer),
  paymentRequirements: offer,
};
