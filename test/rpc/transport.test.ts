import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { createFetchPost } from "../../facilitator/rpc/fetch-post.ts";
import type { Failure, HttpPost } from "../../facilitator/rpc/http-post.ts";
import { createNodePost } from "../../facilitator/rpc/node-post.ts";
import { createTransport, type Answer, type Transport } from "../../facilitator/rpc/transport.ts";
import { echo, reply, startRawServer, type Call, type RawServer } from "./raw-server.ts";

const MAX_BYTES = 100_000;
const CLIENTS: readonly (readonly [string, () => HttpPost])[] = [
  ["node:http", () => createNodePost(MAX_BYTES)!],
  ["fetch", () => createFetchPost(MAX_BYTES)],
];

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

type Handler = Parameters<typeof startRawServer>[0];

describe.each(CLIENTS)("over %s", (_, createPost) => {
  async function setUp(
    handler: Handler,
    timeoutMs = 2000,
  ): Promise<{
    server: RawServer;
    transport: Transport;
    exchanges: (Failure | undefined)[];
    ask: (value: unknown) => Promise<Answer>;
  }> {
    const server = await startRawServer(handler);
    const post = createPost();
    stops.push(
      () => post.close?.(),
      () => server.stop(),
    );
    const exchanges: (Failure | undefined)[] = [];
    const transport = createTransport({
      url: `${server.url}/key?a=b`,
      post,
      timeoutMs,
      onExchange: (failure) => exchanges.push(failure),
    });
    return { server, transport, exchanges, ask: (value) => transport.request("m", [value]) };
  }

  it("sends one request alone, and those of one turn together", async () => {
    const { server, ask } = await setUp((body, response) => reply(response, echo(body)));
    expect(await ask(1)).toEqual({ result: 1 });
    const many = await Promise.all([...Array(250).keys()].map(ask));
    expect(many).toEqual([...Array(250).keys()].map((result) => ({ result })));
    const [first, ...rest] = server.received;
    expect(first).toEqual({ jsonrpc: "2.0", id: 1, method: "m", params: [1] });
    expect(rest.map((body) => (body as Call[]).length)).toEqual([100, 100, 50]);
    expect(server.headers[0]).toMatchObject({ "content-type": "application/json" });
  });

  it("gathers what promises ask for in the same turn, and what is alone stays alone", async () => {
    const { server, transport, ask } = await setUp((body, response) => reply(response, echo(body)));
    const later = Promise.resolve().then(() => Promise.all([ask(1), ask(2)]));
    const sends = [1, 2].map((value) => transport.request("send", [value], "send"));
    const alone = transport.request("big", [5], "alone");
    expect(await ask(0)).toEqual({ result: 0 });
    expect(await Promise.all([later, ...sends, alone])).toEqual([
      [{ result: 1 }, { result: 2 }],
      { result: 1 },
      { result: 2 },
      { result: 5 },
    ]);
    const shapes = server.received.map((body) =>
      [body]
        .flat()
        .map(({ method, params }) => `${method}${String(params[0])}`)
        .join(),
    );
    expect(shapes.toSorted()).toEqual(["big5", "m0,m1,m2", "send1,send2"]);
  });

  it("matches answers by id, in any order, and null is a result", async () => {
    const { ask } = await setUp((body, response) =>
      reply(response, (echo(body) as unknown[]).toReversed()),
    );
    expect(await Promise.all([ask("a"), ask(null), ask("c")])).toEqual([
      { result: "a" },
      { result: null },
      { result: "c" },
    ]);
  });

  it("does not know what an answer means that is missing, comes twice, or is nobody's", async () => {
    const { ask, exchanges } = await setUp((body, response) => {
      const answers = echo(body) as { id: unknown }[];
      answers[0]!.id = String(answers[0]!.id);
      reply(response, [
        ...answers,
        { ...answers[1], result: "other" },
        7,
        null,
        { id: 99, result: 1 },
      ]);
    });
    const [wrong, twice, good] = await Promise.all([ask(1), ask(2), ask(3)]);
    expect(wrong).toMatchObject({ failure: { kind: "malformed", sent: true } });
    expect(twice).toMatchObject({ failure: { kind: "malformed", sent: true } });
    expect(good).toEqual({ result: 3 });
    expect(exchanges).toMatchObject([{ kind: "malformed" }]);
  });

  it("passes errors on, of a status of 4xx or 5xx as well", async () => {
    const error = { code: -32000, message: "nonce too low", data: "0x" };
    let status = 200;
    const { ask } = await setUp((body, response) =>
      reply(response, { jsonrpc: "2.0", id: (body as Call).id, error, result: null }, status),
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
    const { ask, exchanges } = await setUp(handler);
    const answer = await ask(1);
    expect(answer).toMatchObject({ failure: { sent: true, ...expected } });
    expect(exchanges).toMatchObject([expected]);
    expect(JSON.stringify(answer)).not.toMatch(/127|key/);
  });

  it("gives up in time, also in the middle of a body", async () => {
    const { ask } = await setUp((_body, response) => {
      response.writeHead(200);
      response.write("{");
    }, 100);
    const startMs = Date.now();
    expect(await ask(1)).toMatchObject({ failure: { kind: "timeout", sent: true } });
    expect(Date.now() - startMs).toBeLessThan(1000);
  });

  it.each<[string, (calls: Call[]) => [unknown, number]]>([
    ["one error", () => [{ id: null, error: { code: -32600, message: "no batches" } }, 200]],
    [
      "geth's error",
      ([first]) => [[{ id: first!.id, error: { code: -32600, message: "batch too large" } }], 200],
    ],
    ["400", () => ["Bad Request", 400]],
    ["413", () => ["too large", 413]],
    ["405 and an error", () => [{ id: null, error: { code: 1, message: "single" } }, 405]],
  ])(
    "asks in smaller batches, then singly, where batches are refused with %s",
    async (_name, refuse) => {
      let most = 10;
      const { server, ask, exchanges } = await setUp((body, response) => {
        if (Array.isArray(body) && body.length > most) reply(response, ...refuse(body));
        else reply(response, echo(body));
      });
      const all = (count: number): Promise<Answer[]> =>
        Promise.all([...Array(count).keys()].map(ask));
      const sizes = (): number[] => server.received.splice(0).map((body) => [body].flat().length);

      expect(await all(25)).toEqual([...Array(25).keys()].map((result) => ({ result })));
      expect(sizes().toSorted((a, b) => b - a)).toEqual([25, 10, 10, 5]);
      await all(12);
      expect(sizes()).toEqual([10, 2]);
      most = 1;
      expect(await all(3)).toEqual([...Array(3).keys()].map((result) => ({ result })));
      expect(sizes()).toEqual([3, 1, 1, 1]);
      await all(2);
      expect(sizes()).toEqual([1, 1]);
      expect(exchanges.every((failure) => failure === undefined)).toBe(true);
    },
  );

  it("takes a limit on a batch for a limit, and no refusal of batches", async () => {
    const { server, ask } = await setUp((_body, response) =>
      reply(response, { id: null, error: { code: -32005, message: "rate limit exceeded" } }),
    );
    expect(await Promise.all([ask(1), ask(2)])).toMatchObject([
      { failure: { kind: "rate_limited" } },
      { failure: { kind: "rate_limited" } },
    ]);
    expect(server.received).toHaveLength(1);
  });

  it("sends the credentials of the URL in a header", async () => {
    const server = await startRawServer((body, response) => reply(response, echo(body)));
    const post = createPost();
    stops.push(
      () => post.close?.(),
      () => server.stop(),
    );
    const url = server.url.replace("//", "//us%40er:pa%3Ass@");
    const transport = createTransport({ url, post, timeoutMs: 1000 });
    expect(await transport.request("m", [1])).toEqual({ result: 1 });
    expect(server.headers[0]!.authorization).toBe(`Basic ${btoa("us@er:pa:ss")}`);
  });

  it("tells nothing of where nobody listens", async () => {
    const server = await startRawServer(() => {});
    await server.stop();
    const post = createPost();
    const answer = await createTransport({ url: server.url, post, timeoutMs: 1000 }).request(
      "m",
      [],
    );
    expect(answer).toMatchObject({ failure: { kind: "connection" } });
    expect(JSON.stringify(answer)).not.toMatch(/127|\d{4}/);
    post.close?.();
  });
});

describe("node:http", () => {
  it("knows that nothing was sent where nobody listens", async () => {
    const server = await startRawServer(() => {});
    await server.stop();
    const post = createNodePost(MAX_BYTES)!;
    expect(await post(server.url, "{}", 1000)).toMatchObject({ kind: "connection", sent: false });
    post.close!();
    expect(await post(server.url, "{}", 1000)).toMatchObject({ detail: "closed", sent: false });
  });

  it("keeps connections, and asks again on a new one when the server had closed the old", async () => {
    let cut = false;
    const server = await startRawServer((body, response, request) => {
      if (cut) {
        cut = false;
        request.socket.destroy();
      } else reply(response, echo(body));
    });
    const post = createNodePost(MAX_BYTES)!;
    stops.push(
      () => post.close?.(),
      () => server.stop(),
    );
    const transport = createTransport({ url: server.url, post, timeoutMs: 1000 });
    for (let i = 0; i < 5; i++) expect(await transport.request("m", [i])).toEqual({ result: i });
    expect(server.connections()).toBe(1);
    await sleep(5);
    cut = true;
    expect(await transport.request("m", ["again"])).toEqual({ result: "again" });
    expect(server.connections()).toBe(2);
  });
});
