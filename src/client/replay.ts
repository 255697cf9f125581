import { readBytes } from "../core/body.ts";
import { X402Error } from "../core/errors.ts";

/** A body, or a function that makes the same one anew for every time that it is sent. */
export type ReplayableBody = NonNullable<RequestInit["body"]> | AsyncIterable<Uint8Array | string>;

/** A request that can be sent more than once, exactly alike. */
export interface Replayable {
  readonly url: string;
  readonly method: string;
  readonly signal: AbortSignal | null | undefined;
  /** Sends it, to another address perhaps; `change` adds headers, and settings in place of its own. */
  send(
    to?: string,
    change?: Pick<RequestInit, "redirect" | "signal"> & {
      readonly headers?: Readonly<Record<string, string>>;
    },
  ): Promise<Response>;
  /**
   * What tells this request from others: its `Idempotency-Key` if it has one, else method, URL and body. Nothing for
   * bodies that are made anew.
   */
  identity(): Promise<string | undefined>;
}

/** A body as it was when the call was made, and the type that `fetch` would give it. */
interface Kept {
  readonly body:
    | string
    | Blob
    | ArrayBuffer
    | Uint8Array<ArrayBuffer>
    | (() => BodyInit)
    | null
    | undefined;
  readonly type?: string | null;
}

/**
 * Makes a call of `fetch` repeatable. Streams are read into memory, up to `maxBytes`, and forms and bytes are copied, so
 * that what the caller does with them meanwhile changes nothing. A function as body is called for each time.
 *
 * @throws X402Error `body_not_replayable` before anything is sent.
 */
export async function replayable(
  fetch: typeof globalThis.fetch,
  input: string | URL | Request,
  init: RequestInit = {},
  maxBytes = 1024 * 1024,
): Promise<Replayable> {
  if (!(input instanceof Request)) {
    const { body, duplex: _, ...rest } = init as RequestInit & { duplex?: unknown };
    return sender(fetch, String(input), rest, await keep(body, maxBytes));
  }
  const request = new Request(input, init);
  const { method, headers, signal, cache, credentials, integrity, keepalive, redirect } = request;
  const { mode, referrer, referrerPolicy } = request;
  const settings = {
    method,
    headers,
    signal,
    cache,
    credentials,
    integrity,
    keepalive,
    redirect,
    referrer,
    referrerPolicy,
    ...(mode !== "navigate" && { mode }),
  };
  return sender(fetch, request.url, settings, await keep(request.body, maxBytes));
}

async function keep(
  body: ReplayableBody | (() => ReplayableBody) | null | undefined,
  maxBytes: number,
): Promise<Kept> {
  if (typeof body !== "object" || body === null || body instanceof Blob)
    return { body: body as Kept["body"] };
  if (body instanceof ReadableStream) {
    const bytes = await readBytes(body, maxBytes);
    if (bytes !== undefined) return { body: bytes };
  } else if (Symbol.asyncIterator in body) {
    // Node takes these beside what the standard knows, of text too.
    const parts: Blob[] = [];
    let size = 0;
    for await (const part of body) {
      const length = parts.push(new Blob([part as BlobPart]));
      size += parts[length - 1]!.size;
      if (size > maxBytes) break;
    }
    if (size <= maxBytes) return { body: new Blob(parts) };
  } else {
    const held = new Response(body);
    return { body: await held.arrayBuffer(), type: held.headers.get("Content-Type") };
  }
  throw new X402Error(
    "body_not_replayable",
    `a stream of over ${maxBytes} bytes cannot be sent twice: give a function that makes it`,
  );
}

function sender(
  fetch: typeof globalThis.fetch,
  url: string,
  init: RequestInit,
  { body, type }: Kept,
): Replayable {
  const method = (init.method ?? "GET").toUpperCase();
  const base = globalThis.location?.href;
  const absolute = URL.canParse(url, base) ? new URL(url, base).href : url;
  return {
    url: absolute,
    method,
    signal: init.signal,
    send(to = url, change = {}) {
      const made = typeof body === "function" ? body() : body;
      const isStream = typeof made === "object" && made !== null && Symbol.asyncIterator in made;
      const headers = new Headers(init.headers);
      if (type && !headers.has("Content-Type")) headers.set("Content-Type", type);
      for (const [name, value] of Object.entries(change.headers ?? {})) headers.set(name, value);
      return fetch(to, {
        ...init,
        ...change,
        ...((type || change.headers) && { headers }),
        ...(made !== undefined && { body: made }),
        ...(isStream && { duplex: "half" }),
      });
    },
    async identity() {
      const name = `${method} ${absolute.replace(/#.*/s, "")}`;
      const key = new Headers(init.headers).get("Idempotency-Key");
      if (key !== null) return `${name} key ${key}`;
      if (body === undefined || body === null) return name;
      if (typeof body === "function") return undefined;
      const digest = await crypto.subtle.digest("SHA-256", await bytesOf(body, type));
      return `${name} ${btoa(String.fromCharCode(...new Uint8Array(digest)))}`;
    },
  };
}

/** All of a body; of a form without its boundary, which is another one every time that the form is made. */
async function bytesOf(body: BodyInit, type?: string | null): Promise<ArrayBuffer> {
  const bytes = await new Response(body).arrayBuffer();
  const boundary = /^multipart\/form-data; *boundary=(.+)$/.exec(type ?? "")?.[1];
  if (boundary === undefined) return bytes;
  const text = new TextDecoder("latin1").decode(bytes).replaceAll(boundary, "");
  return await new Response(text).arrayBuffer();
}
