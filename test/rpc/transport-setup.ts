import { afterEach } from "vitest";
import { createFetchPost } from "../../facilitator/rpc/fetch-post.ts";
import type { Failure, HttpPost } from "../../facilitator/rpc/http-post.ts";
import { createNodePost } from "../../facilitator/rpc/node-post.ts";
import { createTransport, type Answer, type Transport } from "../../facilitator/rpc/transport.ts";
import { startRawServer, type RawServer } from "./raw-server.ts";

export const MAX_BYTES = 100_000;
export const CLIENTS: readonly (readonly [string, () => HttpPost])[] = [
  ["node:http", () => createNodePost(MAX_BYTES)!],
  ["fetch", () => createFetchPost(MAX_BYTES)],
];

export type Handler = Parameters<typeof startRawServer>[0];

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** Until the test is over. */
export async function serve(handler: Handler): Promise<RawServer> {
  const server = await startRawServer(handler);
  stops.push(() => server.stop());
  return server;
}

export function closeAfter(post: HttpPost): HttpPost {
  stops.unshift(() => post.close?.());
  return post;
}

/** A transport before a server of the test's own. */
export async function setUp(
  handler: Handler,
  { createPost = CLIENTS[0]![1], timeoutMs = 2000 } = {},
): Promise<{
  server: RawServer;
  transport: Transport;
  exchanges: (Failure | undefined)[];
  ask: (value: unknown) => Promise<Answer>;
}> {
  const server = await serve(handler);
  const exchanges: (Failure | undefined)[] = [];
  const transport = createTransport({
    url: `${server.url}/key?a=b`,
    post: closeAfter(createPost()),
    timeoutMs,
    onExchange: (failure) => exchanges.push(failure),
  });
  return { server, transport, exchanges, ask: (value) => transport.request("m", [value]) };
}
