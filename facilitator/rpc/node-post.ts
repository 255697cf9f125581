import {
  failure,
  timedOut,
  tooLarge,
  type Failure,
  type HttpAnswer,
  type HttpPost,
} from "./http-post.ts";

/** An endpoint that refuses batches gets a connection for each request; the rest waits here. */
const MAX_CONNECTIONS = 256;

type Outcome = HttpAnswer | (Failure & { readonly stale?: boolean });

/**
 * Over `node:http` and `node:https`, with connections kept alive, for a fifth of the CPU of global `fetch`. Nothing where
 * they are not to be had.
 */
export function createNodePost(mostBytes: number): HttpPost | undefined {
  // Not an import: that would fail to load in an isolate.
  const builtin = globalThis.process?.getBuiltinModule;
  if (builtin === undefined) return undefined;
  const http = builtin("node:http");
  const https = builtin("node:https");
  const keep = { keepAlive: true, maxSockets: MAX_CONNECTIONS };
  const plain = { request: http.request, agent: new http.Agent(keep) };
  const secure = { request: https.request, agent: new https.Agent(keep) };
  const targets = new Map<string, ReturnType<typeof parseTarget>>();
  let closed = false;

  function parseTarget(url: string) {
    const { protocol, hostname, port, pathname, search, username, password } = new URL(url);
    const client = protocol === "https:" ? secure : plain;
    const options = {
      hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
      port,
      path: pathname + search,
      method: "POST",
      agent: client.agent,
      ...((username || password) && { auth: decodeURIComponent(`${username}:${password}`) }),
    };
    return { request: client.request, options };
  }

  function once(url: string, body: string, timeoutMs: number, maxBytes: number): Promise<Outcome> {
    let target = targets.get(url);
    if (target === undefined) targets.set(url, (target = parseTarget(url)));
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    };
    const request = target.request({ ...target.options, headers });

    return new Promise((resolve) => {
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
      request.on("error", ({ code = "no code" }: NodeJS.ErrnoException) => {
        const stale = request.reusedSocket && (code === "ECONNRESET" || code === "EPIPE");
        end({ ...failure("connection", `connection failed (${code})`, connected), stale });
      });
      request.on("response", (response) => {
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
      });
      request.end(body);
    });
  }

  const post: HttpPost = async (url, body, timeoutMs, maxBytes = mostBytes) => {
    if (closed) return failure("connection", "closed", false);
    const answer = await once(url, body, timeoutMs, maxBytes);
    // The other side closed a kept connection just as it was used again.
    const again = "stale" in answer && answer.stale && !closed;
    return again ? once(url, body, timeoutMs, maxBytes) : answer;
  };
  post.close = () => {
    closed = true;
    plain.agent.destroy();
    secure.agent.destroy();
  };
  return post;
}
