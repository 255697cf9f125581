/** Whatever a handler does to Node's response is held back, and looks to the handler as if it were not. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, test } from "vitest";
import { failedWith } from "../server/world.ts";
import { listenTo, serve, type Handler } from "./paid-server.ts";
import { ask, buy, payFor, presenting, type Visit } from "./visit.ts";

/** The response of a handler without and with a paywall before it. */
async function both(handler: Handler, visit?: Visit) {
  const free = await ask(await listenTo(handler), "/", visit);
  const { port } = await serve(handler);
  return { free, paid: await buy(port, "/", visit) };
}

const PAYWALLS =
  /^(?:payment-response|cache-control|vary|access-control-expose-headers|x-outer|date)$/;
const ownHeaders = (headers: IncomingMessage["headers"]) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !PAYWALLS.test(name)));

describe("a response is the same as without a paywall", () => {
  test.each<[string, Handler]>([
    ["end", (_, res) => res.end("text")],
    ["end of nothing", (_, res) => res.end()],
    ["an encoding", (_, res) => res.end("dGV4dA==", "base64")],
    ["bytes", (_, res) => res.end(new Uint8Array([0, 255, 1]))],
    ["a reason", (_, res) => res.writeHead(207, "As It Is", { "X-A": "1" }).end("text")],
    ["statusCode", (_, res) => void ((res.statusCode = 201), res.end("text"))],
    ["statusMessage", (_, res) => void ((res.statusMessage = "Fine"), res.end("text"))],
    [
      "headers in turn",
      (_, res) => res.writeHead(200, ["X-A", "1", "X-B", "2", "X-A", "3"]).end("x"),
    ],
    ["numbers", (_, res) => res.writeHead(200, { "Content-Length": 4, "X-N": 7 }).end("text")],
    ["cookies", (_, res) => res.setHeader("Set-Cookie", ["a=1", "b=2"]).end("text")],
    ["appended", (_, res) => res.appendHeader("X-A", "1").appendHeader("X-A", "2").end("text")],
    [
      "removed",
      (_, res) => void (res.setHeader("X-A", "1"), res.removeHeader("X-A"), res.end("x")),
    ],
    ["callbacks", (_, res) => res.write("a", () => res.write("b", "utf8", () => res.end("c")))],
    ["a pipe", (_, res) => Readable.from([Buffer.from("a"), Buffer.from("b")]).pipe(res)],
    ["a pipeline", (_, res) => pipeline(Readable.from(["a", "b"]), res)],
    ["no content", (_, res) => res.writeHead(204).end()],
    ["corked", (_, res) => void (res.cork(), res.write("a"), res.uncork(), res.end("b"))],
    ["an empty write", (_, res) => void (res.write(""), res.end("text"))],
  ])("%s", async (_, handler) => {
    const { free, paid } = await both(handler);
    expect([paid.status, paid.reason, paid.body]).toEqual([free.status, free.reason, free.body]);
    const headers = ownHeaders(free.headers);
    // What was written in pieces is known as a whole by then.
    if (
      headers["transfer-encoding"] !== undefined &&
      paid.headers["content-length"] !== undefined
    ) {
      delete headers["transfer-encoding"];
      headers["content-length"] = String(free.bytes.length);
    }
    expect(ownHeaders(paid.headers)).toEqual(headers);
  });

  test.each<[string, Handler]>([
    [
      "declared",
      (_, res) => {
        res.writeHead(200, { Trailer: "X-Sum" });
        res.write("text");
        res.addTrailers({ "X-Sum": "1" });
        res.end();
      },
    ],
    [
      "not declared",
      (_, res) => {
        res.write("text");
        res.addTrailers({ "X-Sum": "1" });
        res.end();
      },
    ],
  ])("trailers, %s", async (_, handler) => {
    const { free, paid } = await both(handler);
    expect(free.trailers).toEqual({ "x-sum": "1" });
    expect([paid.body, paid.trailers]).toEqual([free.body, free.trailers]);
  });

  test("HEAD, with a body that is not sent and a length that is", async () => {
    const { free, paid } = await both(
      (_, res) => res.writeHead(200, { "Content-Length": 4 }).end("text"),
      { method: "HEAD" },
    );
    expect([paid.status, paid.body, paid.headers["content-length"]]).toEqual([200, "", "4"]);
    expect(free.headers["content-length"]).toBe("4");
  });

  test("what a handler may ask of it while it is held back", async () => {
    const seen: Record<string, unknown> = {};
    await both((_, res) => {
      seen["fresh"] = [res.headersSent, res.writableEnded];
      res.writeHead(201);
      seen["begun"] = [res.headersSent, res.writableEnded, res.statusCode];
      expect(() => res.setHeader("X-Late", "1")).toThrow(/headers/i);
      expect(() => res.writeHead(200)).toThrow(
        expect.objectContaining({ code: "ERR_HTTP_HEADERS_SENT" }),
      );
      res.end("text");
      seen["ended"] = [res.headersSent, res.writableEnded];
      res.end();
      return once(res, "finish").then(() => (seen["finished"] = res.writableFinished));
    });
    expect(seen).toEqual({
      fresh: [false, false],
      begun: [true, false, 201],
      ended: [true, true],
      finished: true,
    });
  });

  test("bad statuses and chunks are the handler's error, and not charged", async () => {
    const bad: Handler[] = [
      (_, res) => res.writeHead(1000),
      (_, res) => res.end(7 as unknown as string),
      (_, res) => res.setHeader("X-Bad", "\u0000"),
    ];
    for (const handler of bad) {
      const { port, facilitator, errors } = await serve(handler);
      expect((await buy(port, "/")).status).toBe(500);
      expect([errors.length, facilitator.settles.length]).toEqual([1, 0]);
    }
  });
});

describe("nothing leaves before", () => {
  const hints: Handler = (_, res) => {
    res.writeEarlyHints({ link: "</style.css>; rel=preload" }, () => {});
    res.writeProcessing();
    res.flushHeaders();
    res.write("secret");
    res.end();
  };

  test("hints are sent once it is settled, and not before", async () => {
    const after = await serve(hints);
    expect(await buy(after.port, "/")).toMatchObject({ hints: [], status: 200, body: "secret" });
    const before = await serve(hints, { settle: "before" });
    expect(await buy(before.port, "/")).toMatchObject({ hints: [103, 102], status: 200 });
  });

  test("when it is not settled after all, nothing of the handler's is sent, and all of the others'", async () => {
    const { port, facilitator } = await serve((_, res) => {
      res.writeEarlyHints({ link: "</secret.css>; rel=preload" });
      res.writeHead(200, "Secret", { "X-Secret": "1", "Content-Type": "text/secret" });
      res.write("secret");
      res.addTrailers({ "X-Secret-Sum": "1" });
      res.end();
    });
    facilitator.onSettle = () => failedWith("insufficient_funds");
    const reply = await buy(port, "/");
    expect([reply.status, reply.reason, reply.hints]).toEqual([402, "Payment Required", []]);
    expect(JSON.stringify([reply.rawHeaders, reply.trailers, reply.body])).not.toMatch(/secret/i);
    expect(reply.headers["x-outer"]).toBe("yes");
  });

  test("the body of a request that waits for 100 Continue can be read", async () => {
    const { port } = await serve(async (req, res) => {
      res.writeContinue();
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      res.end(Buffer.concat(chunks));
    });
    const payment = await payFor(port, "/", { method: "POST" });
    const headers = [...presenting(payment), "Expect", "100-continue"];
    const reply = await ask(port, "/", { method: "POST", headers, body: "the order" });
    expect([reply.status, reply.body]).toEqual([200, "the order"]);
  });
});
