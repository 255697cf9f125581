import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Failure } from "../../facilitator/rpc/http-post.ts";
import { createNodePost } from "../../facilitator/rpc/node-post.ts";
import { createTransport } from "../../facilitator/rpc/transport.ts";
import { echo, reply, type Call } from "./raw-server.ts";
import { CLIENTS, closeAfter, MAX_BYTES, serve, setUp, type Handler } from "./transport-setup.ts";

describe.each(CLIENTS)("over %s", (_, createPost) => {
  it("passes errors on, of a status of 4xx or 5xx as well", async () => {
    const error = { code: -32000, message: "nonce too low", data: "0x" };
    let status = 200;
    const { ask } = await setUp(
      (body, response) =>
        reply(response, { jsonrpc: "2.0", id: (body as Call).id, error, result: null }, status),
      { createPost },
    );
    expect(await ask(1)).toEqual({ error });
    status = 400;
    expect(await ask(1)).toEqual({ error });
    status = 500;
    expect(await ask(1)).toEqual({ error });
  });

  it.each<[string, Handler, Partial<Failure>]>([
    ["HTML", (_b, response) => reply(response, "<html>"), { kind: "malformed" }],
    ["half an answer", (_b, response) => reply(response, '{"id":1,"res'), { kind: "malformed" }],
    [
      "neither result nor error",
      (_b, response) => reply(response, { id: 1 }),
      { kind: "malformed" },
    ],
    [
      "the wrong id",
      (_b, response) => reply(response, { id: 2, result: 1 }),
      { kind: "malformed", detail: "no answer with the id of the request" },
    ],
    [
      "an error without id",
      (_b, response) => reply(response, { id: null, error: { code: -32700, message: "?" } }),
      { kind: "malformed" },
    ],
    [
      "a limit without id",
      (_b, response) => reply(response, { id: null, error: { code: 429, message: "?" } }),
      { kind: "rate_limited" },
    ],
    [
      "an error that is text",
      (_b, response) => reply(response, { id: 1, error: "no" }),
      { kind: "malformed" },
    ],
    ["500", (_b, response) => reply(response, "oops", 500), { kind: "http", detail: "HTTP 500" }],
    ["400", (_b, response) => reply(response, "oops", 400), { kind: "http", detail: "HTTP 400" }],
    ["401", (_b, response) => reply(response, "key", 401), { kind: "http" }],
    [
      "429",
      (_b, response) => response.writeHead(429, { "retry-after": "3" }).end(),
      { kind: "rate_limited", retryAfterMs: 3000 },
    ],
    [
      "503 with a time",
      (_b, response) => response.writeHead(503, { "retry-after": "2" }).end(),
      { kind: "http", retryAfterMs: 2000 },
    ],
    [
      "a redirect",
      (_b, response) => response.writeHead(307, { location: "http://127.0.0.1:1/" }).end(),
      { kind: "http", detail: "HTTP 307" },
    ],
    [
      "a huge body",
      (_b, response) => reply(response, `"${"x".repeat(MAX_BYTES)}"`),
      { kind: "malformed" },
    ],
    [
      "a cut connection",
      (_b, response, request) => {
        response.writeHead(200, { "content-length": "1000" });
        response.write('{"id":1');
        setTimeout(() => request.socket.destroy(), 5);
      },
      { kind: "connection" },
    ],
    [
      "a connection that ends",
      (_b, _response, request) => request.socket.destroy(),
      { kind: "connection" },
    ],
  ])("fails on %s", async (_name, handler, expected) => {
    const { ask, exchanges } = await setUp(handler, { createPost });
    const answer = await ask(1);
    expect(answer).toMatchObject({ failure: { sent: true, ...expected } });
    expect(exchanges).toMatchObject([expected]);
    expect(JSON.stringify(answer)).not.toMatch(/127|key/);
  });

  it("gives up in time, also in the middle of a body", async () => {
    const { ask } = await setUp(
      (_body, response) => {
        response.writeHead(200);
        response.write("{");
      },
      { createPost, timeoutMs: 100 },
    );
    const startMs = Date.now();
    expect(await ask(1)).toMatchObject({ failure: { kind: "timeout", sent: true } });
    expect(Date.now() - startMs).toBeLessThan(1000);
  });

  it("sends the credentials of the URL in a header", async () => {
    const server = await serve((body, response) => reply(response, echo(body)));
    const post = closeAfter(createPost());
    const url = server.url.replace("//", "//us%40er:pa%3Ass@");
    const transport = createTransport({ url, post, timeoutMs: 1000 });
    expect(await transport.request("m", [1])).toEqual({ result: 1 });
    expect(server.headers[0]!.authorization).toBe(`Basic ${btoa("us@er:pa:ss")}`);
  });

  it("tells nothing of where nobody listens", async () => {
    const server = await serve(() => {});
    await server.stop();
    const post = closeAfter(createPost());
    const answer = await createTransport({ url: server.url, post, timeoutMs: 1000 }).request(
      "m",
      [],
    );
    expect(answer).toMatchObject({ failure: { kind: "connection" } });
    expect(JSON.stringify(answer)).not.toMatch(/127|\d{4}/);
  });
});

describe("node:http", () => {
  it("knows that nothing was sent where nobody listens", async () => {
    const server = await serve(() => {});
    await server.stop();
    const post = createNodePost(MAX_BYTES)!;
    expect(await post(server.url, "{}", 1000)).toMatchObject({ kind: "connection", sent: false });
    post.close!();
    expect(await post(server.url, "{}", 1000)).toMatchObject({ detail: "closed", sent: false });
  });

  it("keeps connections, and asks again on a new one when the server had closed the old", async () => {
    let cut = false;
    const server = await serve((body, response, request) => {
      if (cut) {
        cut = false;
        request.socket.destroy();
      } else reply(response, echo(body));
    });
    const post = closeAfter(createNodePost(MAX_BYTES)!);
    const transport = createTransport({ url: server.url, post, timeoutMs: 1000 });
    for (let i = 0; i < 5; i++) expect(await transport.request("m", [i])).toEqual({ result: i });
    expect(server.connections()).toBe(1);
    await sleep(5);
    cut = true;
    expect(await transport.request("m", ["again"])).toEqual({ result: "again" });
    expect(server.connections()).toBe(2);
  });
});
