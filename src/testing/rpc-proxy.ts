import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { RpcAnswer, RpcFault, RpcFaultFunction, RpcRequest } from "./rpc-fault.ts";
import { createUpstream, type Upstream } from "./rpc-upstream.ts";

export type RpcProxyOptions = {
  /** The faults from the start; see `setFault`. */
  readonly intercept?: RpcFaultFunction;
};

export type RpcProxy = {
  readonly url: string;
  /** JSON-RPC requests received, by method; faulty ones too. */
  readonly counts: Readonly<Record<string, number>>;
  /** JSON-RPC requests received. */
  readonly total: number;
  /** HTTP requests received; a batch is one. */
  readonly httpRequests: number;
  /** Replaces the fault function; undefined forwards everything. */
  setFault(fault: RpcFaultFunction | undefined): void;
  /** Closes the proxy and its connections. Calling it again does no harm. */
  stop(): Promise<void>;
};

/** A request with what is to be done about it; `forwarded` once the chain was asked. */
type Entry = { request: RpcRequest; fault?: RpcFault; forwarded?: Promise<RpcAnswer> };

/**
 * Starts an HTTP proxy on 127.0.0.1 in front of the JSON-RPC URL `target`, which answers, delays,
 * breaks or loses requests as a fault function tells. Connections to the target are kept alive.
 */
export async function startRpcProxy(
  target: string,
  options: RpcProxyOptions = {},
): Promise<RpcProxy> {
  const upstream = createUpstream(target);
  const counts: Record<string, number> = {};
  let intercept = options.intercept;
  let total = 0;
  let httpRequests = 0;

  const decide = async (request: RpcRequest): Promise<Entry> => {
    total += 1;
    counts[request.method] = (counts[request.method] ?? 0) + 1;
    const entry: Entry = { request };
    const forward = (): Promise<RpcAnswer> => (entry.forwarded ??= upstream.ask(request));
    const fault = await intercept?.(request, forward);
    if (fault !== undefined) entry.fault = fault;
    return entry;
  };

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    httpRequests += 1;
    const body = await text(incoming);
    const parsed = JSON.parse(body) as RpcRequest | RpcRequest[];
    const entries = await Promise.all([parsed].flat().map(decide));
    const faults = entries.flatMap(({ fault }) => fault ?? []);
    const delayMs = Math.max(0, ...faults.map((fault) => fault.delayMs ?? 0));

    const raw = faults.find((fault) => "status" in fault);
    const drops = faults.flatMap((fault) => ("drop" in fault ? fault.drop : []));
    if (drops.includes("before")) {
      await sleep(delayMs);
      incoming.socket.destroy();
    } else if (raw !== undefined) {
      await sleep(delayMs);
      response
        .writeHead(raw.status, { "content-type": "text/plain", ...raw.headers })
        .end(raw.body);
    } else {
      const answers = await answerAll(upstream, entries);
      await sleep(delayMs);
      if (drops.length > 0) return void incoming.socket.destroy();
      const messages = entries.map(({ request: { id } }, i) => ({
        jsonrpc: "2.0",
        id,
        ...answers[i],
      }));
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify(Array.isArray(parsed) ? messages : messages[0]));
    }
  };

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(502);
      response.end(`rpc proxy: ${String(error)}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    get total() {
      return total;
    },
    get httpRequests() {
      return httpRequests;
    },
    setFault(fault) {
      intercept = fault;
    },
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      upstream.close();
      await closed;
    },
  };
}

/** One answer an entry, in order; those that need the chain go to it in one batch, in order. */
async function answerAll(upstream: Upstream, entries: readonly Entry[]): Promise<RpcAnswer[]> {
  const open = entries.filter(({ fault, forwarded }) => isOpen(fault) && forwarded === undefined);
  const answers =
    open.length === 0 ? [] : await upstream.askAll(open.map(({ request }) => request));
  const asked = new Map(open.map((entry, i) => [entry, answers[i]]));
  return Promise.all(
    entries.map(async (entry) => {
      const { fault } = entry;
      if (fault !== undefined && "result" in fault) return { result: fault.result };
      if (fault !== undefined && "error" in fault) return { error: fault.error };
      return (await entry.forwarded) ?? asked.get(entry)!;
    }),
  );
}

/** Whether a request is still for the chain to answer. */
function isOpen(fault: RpcFault | undefined): boolean {
  return fault === undefined || !("result" in fault || "error" in fault);
}
