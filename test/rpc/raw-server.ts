import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: unknown[];
}

export interface RawServer {
  readonly url: string;
  /** Bodies received: a list for a batch. */
  readonly received: (Call | Call[])[];
  readonly headers: IncomingMessage["headers"][];
  /** Connections opened. */
  readonly connections: () => number;
  stop(): Promise<void>;
}

/** A server of a test's own, for answers that no node gives. */
export async function startRawServer(
  answer: (body: Call | Call[], response: ServerResponse, request: IncomingMessage) => void,
): Promise<RawServer> {
  const received: (Call | Call[])[] = [];
  const headers: IncomingMessage["headers"][] = [];
  let connections = 0;
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = JSON.parse(await text(request)) as Call | Call[];
    received.push(body);
    headers.push(request.headers);
    answer(body, response, request);
  };
  const server = createServer((request, response) => void handle(request, response));
  server.on("connection", () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    headers,
    connections: () => connections,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const reply = (response: ServerResponse, value: unknown, status = 200): void => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(typeof value === "string" ? value : JSON.stringify(value));
};

/** A result for every call: what it asked with. */
export const echo = (body: Call | Call[]): unknown => {
  const one = ({ id, params }: Call): unknown => ({ jsonrpc: "2.0", id, result: params[0] });
  return Array.isArray(body) ? body.map(one) : one(body);
};
