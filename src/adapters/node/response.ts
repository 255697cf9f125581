/** Holds back what a handler does to Node's response until it is known what may be sent. */
import type { ServerResponse } from "node:http";
import type { Admitted, Answer } from "../../server/gate.ts";
import { writtenBody, type WrittenBody } from "./body.ts";
import { bytesOf, options, type Callback } from "./chunk.ts";
import { headSaved, setHead, type Head, type HeadArguments } from "./head.ts";
import { sendAnswer } from "./send.ts";

/** A response that is held back. */
export interface HeldResponse {
  /**
   * The handler failed: lets the payment go. What is written once that is done, or at once, is the app's and is sent;
   * what the handler goes on to write until then is not.
   */
  abandon(isAtOnce?: boolean): Promise<void>;
}

/** How long a handler may take to answer after its client has gone away. */
const GONE_MS = 30_000;

/** Node does not set again what was removed of these. */
const KEPT = new Set(["connection", "content-length", "date", "transfer-encoding"]);

/**
 * Replaces the methods of a response by which a handler sends: what it writes becomes an answer for `admitted.finish`,
 * and what that gives is sent. An answer that ends at once is whole bytes, every other one a stream. The response looks
 * to the handler as if it were being sent: `headersSent`, `writableEnded` and backpressure are as ever.
 *
 * A client that goes away does not stop a handler that has answered. One that has not after 30 seconds is given up.
 */
export function holdResponse(res: ServerResponse, admitted: Admitted): HeldResponse {
  const methods = methodsOf(res);
  const wire = {
    ...methods,
    on: (event: string, listener: () => void) =>
      methods.on(event, () => (isDraining ? undefined : listener())),
  };
  const ownOn = (Object.getPrototypeOf(res) as ServerResponse).on;
  const earlier = Object.entries(res.getHeaders());
  const isSettled = admitted.payment.transaction !== undefined;
  /** `held` until an answer is sent; `open` when the handler failed and the response is its app's again. */
  let phase: "held" | "sent" | "open" = "held";
  let head: Head | undefined;
  let body: WrittenBody | undefined;
  let trailers: string | undefined;
  let ended = false;
  let isDraining = false;
  let abandoned: Promise<void> | undefined;

  Object.assign(res, {
    on(event: string, listener: () => void) {
      // Middleware that compresses moves these to its own stream, which does not hear of what is held back.
      const isHeld = event === "drain" && phase !== "open";
      return isHeld ? ownOn.call(res, event, listener) : methods.on(event, listener);
    },
    writeHead(...args: HeadArguments) {
      if (phase !== "held") return wire.writeHead(...(args as [number]));
      if (head !== undefined) throw coded("ERR_HTTP_HEADERS_SENT", "Headers were sent already");
      head = setHead(res, args);
      mark(res, "held back");
      return res;
    },
    write(chunk: unknown, ...rest: unknown[]) {
      if (phase === "open") return wire.write(chunk, ...(rest as []));
      const { encoding, done } = options(rest);
      if (!ended) startBody();
      return append(bytesOf(chunk, encoding), done);
    },
    end(...args: unknown[]) {
      if (phase === "open") return wire.end(...(args as []));
      const [chunk, ...rest] = typeof args[0] === "function" ? [undefined, ...args] : args;
      const { encoding, done } = options(rest);
      if (ended) {
        later(done, coded("ERR_STREAM_ALREADY_FINISHED", "The response has ended already"));
        return res;
      }
      if (done !== undefined) wire.on("finish", done);
      const bytes = chunk === undefined || chunk === null ? null : bytesOf(chunk, encoding);
      if (body === undefined) {
        const answer = { ...begin(), body: bytes };
        ended = true;
        void finish(answer);
      } else {
        if (bytes !== null) append(bytes);
        ended = true;
        body.end();
      }
      return res;
    },
    flushHeaders() {
      if (phase === "open") wire.flushHeaders();
      else if (!ended) startBody();
    },
    addTrailers(added: Parameters<typeof wire.addTrailers>[0]) {
      trailers = Object.keys(added).join(", ");
      wire.addTrailers(added);
    },
    writeContinue(done?: () => void) {
      // The client sends no body without it; and it says nothing of the answer.
      if (/100-continue/i.test(res.req.headers.expect ?? "")) wire.writeContinue(done);
      else later(done);
    },
    writeEarlyHints(hints: Parameters<typeof wire.writeEarlyHints>[0], done?: () => void) {
      if (mayHint()) wire.writeEarlyHints(hints, done);
      else later(done);
    },
    writeProcessing() {
      if (mayHint()) wire.writeProcessing();
    },
    destroy(error?: Error) {
      void abandon();
      return wire.destroy(error);
    },
  });
  Object.defineProperty(res, "writableEnded", {
    configurable: true,
    get: () => (phase === "open" ? hasFinished(res) : ended),
  });
  wire.on("close", () => {
    if (phase !== "held" || ended) return;
    if (body === undefined) setTimeout(() => void abandon(), GONE_MS).unref();
    else breakOff(body);
  });
  return { abandon };

  /** Through the response, as middleware puts itself in the place of `writeHead` to add headers. */
  function begin(): Head {
    if (head === undefined) res.writeHead(res.statusCode);
    return head ?? { status: res.statusCode, headers: {} };
  }

  function startBody(): void {
    if (body !== undefined) return;
    const answer = begin();
    body = writtenBody(res.writableHighWaterMark, () => {
      isDraining = true;
      res.emit("drain");
      isDraining = false;
    });
    void finish({ ...answer, body: body.stream });
  }

  function append(bytes: Uint8Array, done?: Callback): boolean {
    if (!ended && body?.write(bytes) === true) {
      later(done);
      return !body.isFull;
    }
    later(done, coded("ERR_STREAM_DESTROYED", "Nobody reads the response any more"));
    return false;
  }

  async function finish(answer: Answer): Promise<void> {
    const finished = await admitted.finish(answer);
    phase = "sent";
    mark(res, null);
    // A status that the gate puts in place of the handler's is never the handler's own.
    const isOwn = finished.status === answer.status;
    for (const name of res.getHeaderNames()) {
      if (!(isOwn && KEPT.has(name))) res.removeHeader(name);
    }
    const announced = isOwn && trailers !== undefined ? { trailer: trailers } : {};
    if (!isOwn) restore(finished);
    try {
      sendAnswer(res, { ...finished, headers: { ...announced, ...finished.headers } }, wire);
    } catch (error) {
      wire.destroy(error as Error);
    }
  }

  /** The response as it was before the handler, with what Node does not set any more. */
  function restore({ body: other }: Answer): void {
    res.statusMessage = "";
    res.sendDate = true;
    for (const [name, value] of earlier) res.setHeader(name, value ?? "");
    if (other !== null && !(other instanceof ReadableStream))
      res.setHeader("content-length", Buffer.byteLength(other));
  }

  function abandon(isAtOnce = false): Promise<void> {
    return (abandoned ??= letGo(isAtOnce));
  }

  async function letGo(isAtOnce: boolean): Promise<void> {
    if (ended) return;
    if (body !== undefined) return breakOff(body);
    ended = true;
    const back = headSaved(res);
    const done = admitted.abandon();
    if (!isAtOnce) await done;
    phase = "open";
    mark(res, null);
    if (!isAtOnce) back();
    await done;
  }

  function mayHint(): boolean {
    return phase === "open" || (isSettled && head === undefined);
  }
}

function breakOff(body: WrittenBody): void {
  body.fail(new Error("The handler did not end its response"));
}

/** The methods that are replaced, as they were. */
function methodsOf(res: ServerResponse) {
  return {
    writeHead: res.writeHead.bind(res),
    write: res.write.bind(res) as (chunk: unknown) => boolean,
    end: res.end.bind(res),
    flushHeaders: res.flushHeaders.bind(res),
    addTrailers: res.addTrailers.bind(res),
    writeContinue: res.writeContinue.bind(res),
    writeEarlyHints: res.writeEarlyHints.bind(res),
    writeProcessing: res.writeProcessing.bind(res),
    destroy: res.destroy.bind(res),
    on: res.on.bind(res) as (event: string, listener: () => void) => ServerResponse,
  };
}

/** Where Node, and with it `headersSent`, `setHeader` and much middleware, looks whether the headers were sent. */
function mark(res: ServerResponse, header: string | null): void {
  Reflect.set(res, "_header", header);
}

/** What `writableEnded` says while it is not replaced. */
function hasFinished(res: ServerResponse): boolean {
  return (res as unknown as { readonly finished: boolean }).finished;
}

function later(done: Callback | undefined, error?: Error): void {
  if (done !== undefined) queueMicrotask(() => done(error));
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
