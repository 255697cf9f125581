import { X402Error } from "../core/errors.ts";

/** A request that can be sent more than once, exactly alike. */
export interface Replayable {
  readonly url: string;
  /** Sends it; `change` adds headers and settings. */
  send(change?: {
    url: string;
    headers: Record<string, string>;
    redirect: "manual";
  }): Promise<Response>;
}

const MAX_STREAM_BYTES = 1024 * 1024;

/**
 * Makes a call of `fetch` repeatable. Streams are read into memory, up to 1 MiB; other bodies are sent again as they are.
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
  const url = String(input);
  if (!(init.body instanceof ReadableStream)) return sender(fetch, url, init);
  const { duplex: _, ...rest } = init as RequestInit & { duplex?: unknown };
  return sender(fetch, url, { ...rest, body: await readAll(init.body) });
}

function sender(fetch: typeof globalThis.fetch, url: string, init: RequestInit): Replayable {
  return {
    url,
    send(change) {
      if (change === undefined) return fetch(url, init);
      const headers = new Headers(init.headers);
      for (const [name, value] of Object.entries(change.headers)) headers.set(name, value);
      return fetch(change.url, { ...init, headers, redirect: change.redirect });
    },
  };
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MAX_STREAM_BYTES) {
      void reader.cancel();
      throw new X402Error(
        "body_not_replayable",
        `a streamed body of over ${MAX_STREAM_BYTES} bytes cannot be sent twice`,
      );
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
