/** Sends answers through Node's responses. */
import type { ServerResponse } from "node:http";
import type { Answer } from "../../server/gate.ts";

/** What is used of a response to send through it. */
export interface Wire extends Pick<ServerResponse, "write" | "end" | "destroy" | "flushHeaders"> {
  on(event: string, listener: () => void): unknown;
}

/** Headers of which an answer adds to what earlier middleware has set; it replaces the others. */
const ADDED = new Set(["vary", "access-control-expose-headers", "set-cookie"]);

/**
 * Sends an answer, if the response can still be sent. A body that is a stream is read as fast as the client takes it,
 * and cancelled when the client goes away.
 *
 * @param wire the response's own methods, where `res` has others in their place that hold back what is written.
 */
export function sendAnswer(res: ServerResponse, answer: Answer, wire: Wire = res): void {
  const { status, headers, body } = answer;
  if (res.headersSent || res.destroyed) {
    if (body instanceof ReadableStream) body.cancel().catch(() => {});
    return;
  }
  res.statusCode = status;
  for (const name in headers) res.setHeader(name, withEarlier(res, name, headers[name] ?? ""));
  if (body instanceof ReadableStream) return void pump(res, body, wire);
  if (res.hasHeader("trailer")) {
    // Only a body in chunks may have trailers.
    res.removeHeader("content-length");
    wire.flushHeaders();
  }
  wire.end(body ?? undefined);
}

function withEarlier(res: ServerResponse, name: string, value: string | readonly string[]) {
  const earlier = ADDED.has(name) ? res.getHeader(name) : undefined;
  if (earlier === undefined) return value;
  const values = [earlier, value].flat().map(String);
  if (name === "set-cookie") return [...new Set(values)];
  return [...new Set(values.flatMap((each) => each.split(/\s*,\s*/)))].join(", ");
}

async function pump(
  res: ServerResponse,
  body: ReadableStream<Uint8Array>,
  wire: Wire,
): Promise<void> {
  const reader = body.getReader();
  let proceed = () => {};
  wire.on("drain", () => proceed());
  wire.on("close", () => {
    reader.cancel().catch(() => {});
    proceed();
  });
  try {
    wire.flushHeaders();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || res.destroyed) break;
      const drained = new Promise<void>((resolve) => (proceed = resolve));
      if (!wire.write(value) && !res.destroyed) await drained;
    }
    wire.end();
  } catch (error) {
    // Unless the connection breaks, what was sent looks whole.
    wire.destroy(error instanceof Error ? error : undefined);
  }
}
