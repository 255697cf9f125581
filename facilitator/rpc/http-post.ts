/**
 * One HTTP POST of JSON. Node's own client costs a fifth of the CPU of global `fetch` (see docs/decisions); where there
 * is none, in an isolate, `fetch` does it.
 */
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from "node:http";

/** Why there is no answer. `sent` says whether the request may have reached the other side. */
export interface Failure {
  readonly kind: "timeout" | "connection" | "http" | "rate_limited" | "malformed";
  readonly sent: boolean;
  /** What happened, without address and without anything that the other side said. */
  readonly detail: string;
  readonly retryAfterMs?: number | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  /** Value of the header `Retry-After`. */
  readonly retryAfter?: string | undefined;
}

/** Never rejects. */
export interface HttpPost {
  (url: string, body: string, timeoutMs: number): Promise<HttpAnswer | Failure>;
  /** Closes the connections that are kept alive. */
  close?(): void;
}

/** A block of receipts is a few MiB. */
export const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** The cheapest client that there is here. */
export function createHttpPost(maxBytes: number = MAX_ANSWER_BYTES): HttpPost {
  return createNodePost(maxBytes) ?? createFetchPost(maxBytes);
}

const failure = (kind: Failure["kind"], detail: string, sent = true): Failure => ({
  kind,
  detail,
  sent,
});
const timedOut = (timeoutMs: number): Failure => failure("timeout", `no answer in ${timeoutMs} ms`);
const tooLarge = (maxBytes: number): Failure =>
  failure("malformed", `answer over ${maxBytes} bytes`);

/** Over `node:http` with connections kept alive; nothing where Node's modules are not to be had. */
export function createNodePost(maxBytes: number): HttpPost | undefined {
  // Not an import: that would fail where there is no such module.
  const builtin = globalThis.process?.getBuiltinModule;
  if (builtin === undefined) return undefined;
  const http = builtin("node:http");
  const https = builtin("node:https");
  const agents: Record<string, Agent> = {
    "http:": new http.Agent({ keepAlive: true }),
    "https:": new https.Agent({ keepAlive: true }),
  };
  let closed = false;
  const targets = new Map<string, RequestOptions>();

  const target = (url: string): RequestOptions => {
    let options = targets.get(url);
    if (options === undefined) {
      const { protocol, hostname, port, pathname, search, username, password } = new URL(url);
      options = {
        protocol,
        hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
        port,
        path: pathname + search,
        method: "POST",
        agent: agents[protocol]!,
        ...((username || password) && { auth: decodeURIComponent(`${username}:${password}`) }),
      };
      targets.set(url, options);
    }
    return options;
  };

  type Outcome = HttpAnswer | (Failure & { readonly stale?: boolean });
  const once = (url: string, body: string, timeoutMs: number): Promise<Outcome> =>
    new Promise((resolve) => {
      const options = target(url);
      const { request: start } = options.protocol === "https:" ? https : http;
      const request = start({
        ...options,
        headers: {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
        },
      });
      let connected = false;
      const end = (answer: Outcome): void => {
        clearTimeout(timer);
        resolve(answer);
        if (!("text" in answer)) request.destroy();
      };
      const timer = setTimeout(() => end({ ...timedOut(timeoutMs), sent: connected }), timeoutMs);
      request.on("socket", (socket) => {
        if (!socket.connecting) connected = true;
        else socket.once("connect", () => (connected = true));
      });
      request.on("error", (error: NodeJS.ErrnoException) => {
        const stale = isStale(request, error);
        const code = error.code ?? "no code";
        end({ ...failure("connection", `connection failed (${code})`, connected), stale });
      });
      request.on("response", (response) => readBody(response, maxBytes, end));
      request.end(body);
    });

  const post: HttpPost = async (url, body, timeoutMs) => {
    if (closed) return failure("connection", "closed", false);
    const answer = await once(url, body, timeoutMs);
    // The server closed an idle connection just as it was used again. JSON-RPC requests may be repeated.
    return "stale" in answer && answer.stale && !closed ? once(url, body, timeoutMs) : answer;
  };
  post.close = () => {
    closed = true;
    for (const agent of Object.values(agents)) agent.destroy();
  };
  return post;
}

/** Whether a kept connection had been closed by the other side before this request got there. */
function isStale(request: ClientRequest, error: NodeJS.ErrnoException): boolean {
  return request.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
}

function readBody(
  response: IncomingMessage,
  maxBytes: number,
  end: (answer: HttpAnswer | Failure) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) end(tooLarge(maxBytes));
    else chunks.push(chunk);
  });
  response.on("error", () => end(failure("connection", "connection was cut")));
  response.on("end", () =>
    end({
      status: response.statusCode ?? 0,
      retryAfter: response.headers["retry-after"],
      text: (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString(),
    }),
  );
}

/** Over global `fetch`. */
export function createFetchPost(maxBytes: number): HttpPost {
  return async (url, body, timeoutMs) => {
    const { username, password } = new URL(url);
    const plain = new URL(url);
    plain.username = plain.password = "";
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (username || password)
      headers["authorization"] = `Basic ${btoa(decodeURIComponent(`${username}:${password}`))}`;
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const init = { method: "POST", body, headers, signal, redirect: "manual" } as const;
      const response = await fetch(plain, init);
      const text = await boundedText(response, maxBytes);
      if (text === undefined) return tooLarge(maxBytes);
      const retryAfter = response.headers.get("retry-after") ?? undefined;
      return { status: response.status, text, retryAfter };
    } catch {
      return signal.aborted ? timedOut(timeoutMs) : failure("connection", "connection failed");
    }
  };
}

async function boundedText(response: Response, maxBytes: number): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
