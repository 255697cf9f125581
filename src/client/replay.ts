import { readBytes } from "../core/body.ts";
import { X402Error } from "../core/errors.ts";

/** A request that can be sent more than once, exactly alike. */
export interface Replayable {
  readonly url: string;
  readonly method: string;
  /** Sends it; `change` adds headers and settings. */
  send(change?: {
    url: string;
    headers: Record<string, string>;
    redirect: "manual";
  }): Promise<Response>;
}

const MAX_STREAM_BYTES = 1024 * 1024;

/**
 * Makes a call of `fetch` repeatable. Streams are read into memory, up to 1 MiB, and bytes are copied, so that what the
 * caller does with them meanwhile changes nothing; other bodies are sent again as they are.
 *
 * @throws X402Error `body_not_replayable` before anything is sent.
 */
export async function replayable(
  fetch: typeof globalThis.fetch,
  input: string | URL | Request,
  init: RequestInit = {},
): Promise<Replayable> {
  if (input instanceof Request) {
    const request = new Request(input, init);
    const body = request.body === null ? undefined : await readAll(request.body);
    const { url, method, headers, signal } = request;
    const { cache, credentials, integrity, keepalive, mode, redirect, referrer, referrerPolicy } =
      request;
    const settings = { cache, credentials, integrity, keepalive, redirect, referrerPolicy };
    const more = {
      ...(mode !== "navigate" && { mode }),
      ...(referrer !== "about:client" && { referrer }),
    };
    return sender(fetch, url, {
      ...settings,
      ...more,
      method,
      headers,
      signal,
      ...(body && { body }),
    });
  }
  const { body, duplex: _, ...rest } = init as RequestInit & { duplex?: unknown };
  const kept = await keep(body);
  return sender(fetch, String(input), { ...rest, ...(kept !== undefined && { body: kept }) });
}

/** A body that can be sent twice. Node takes async iterables beside what the standard knows. */
async function keep(
  body: BodyInit | AsyncIterable<Uint8Array> | null | undefined,
): Promise<BodyInit | null | undefined> {
  if (body instanceof ReadableStream) return await readAll(body);
  if (body instanceof ArrayBuffer) return body.slice(0);
  if (ArrayBuffer.isView(body))
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice();
  if (typeof body === "object" && body !== null && Symbol.asyncIterator in body) {
    const source = body[Symbol.asyncIterator]();
    return await readAll(
      new ReadableStream({
        async pull(controller) {
          const { done, value } = await source.next();
          if (done === true) controller.close();
          else
            controller.enqueue(typeof value === "string" ? new TextEncoder().encode(value) : value);
        },
        cancel: async () => void (await source.return?.()),
      }),
    );
  }
  return body;
}

function sender(fetch: typeof globalThis.fetch, url: string, init: RequestInit): Replayable {
  return {
    url,
    method: (init.method ?? "GET").toUpperCase(),
    send(change) {
      if (change === undefined) return fetch(url, init);
      const headers = new Headers(init.headers);
      for (const [name, value] of Object.entries(change.headers)) headers.set(name, value);
      return fetch(change.url, { ...init, headers, redirect: change.redirect });
    },
  };
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readBytes(stream, MAX_STREAM_BYTES);
  if (bytes !== undefined) return bytes;
  throw new X402Error(
    "body_not_replayable",
    `a streamed body of over ${MAX_STREAM_BYTES} bytes cannot be sent twice`,
  );
}
