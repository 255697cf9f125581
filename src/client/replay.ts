import { concatBytes, readBytes } from "../core/body.ts";
import { X402Error } from "../core/errors.ts";

/** A body, or a function that makes the same one anew for every time that it is sent. */
export type ReplayableBody = BodyInit | AsyncIterable<Uint8Array | string>;

/** A request that can be sent more than once, exactly alike. */
export interface Replayable {
  readonly url: string;
  readonly method: string;
  readonly signal: AbortSignal | null | undefined;
  /** Sends it; `change` adds headers and settings. */
  send(change?: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly redirect: "manual";
    readonly signal: AbortSignal;
  }): Promise<Response>;
  /**
   * What tells this request from others: its `Idempotency-Key` if it has one, else method, URL and body. Nothing for
   * bodies that are made anew.
   */
  identity(): Promise<string | undefined>;
}

type Body = BodyInit | null | undefined;

/**
 * Makes a call of `fetch` repeatable. Streams are read into memory, up to `maxBytes`, and what can be changed is
 * copied, so that what the caller does with it meanwhile changes nothing. A function as body is called for each time.
 *
 * @throws X402Error `body_not_replayable` before anything is sent.
 */
export async function replayable(
  fetch: typeof globalThis.fetch,
  input: string | URL | Request,
  init: RequestInit = {},
  maxBytes = 1024 * 1024,
): Promise<Replayable> {
  if (input instanceof Request) {
    const request = new Request(input, init);
    const body = request.body === null ? undefined : await readAll(request.body, maxBytes);
    const { url, method, headers, signal } = request;
    const { cache, credentials, integrity, keepalive, mode, redirect, referrer, referrerPolicy } =
      request;
    const settings = { cache, credentials, integrity, keepalive, redirect, referrerPolicy };
    const more = {
      ...(mode !== "navigate" && { mode }),
      ...(referrer !== "about:client" && { referrer }),
    };
    return sender(fetch, url, { ...settings, ...more, method, headers, signal }, body);
  }
  const { body, duplex: _, ...rest } = init as RequestInit & { duplex?: unknown };
  return sender(fetch, String(input), rest, await keep(body, maxBytes));
}

/** A body that can be sent twice. Node takes async iterables beside what the standard knows. */
async function keep(
  body: ReplayableBody | (() => ReplayableBody) | null | undefined,
  maxBytes: number,
): Promise<Body | (() => BodyInit)> {
  if (typeof body === "function") return body as () => BodyInit;
  if (body instanceof ReadableStream) return await readAll(body, maxBytes);
  if (body instanceof ArrayBuffer) return body.slice(0);
  if (ArrayBuffer.isView(body))
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice();
  if (body instanceof URLSearchParams) return new URLSearchParams(body);
  if (body instanceof FormData) {
    const copy = new FormData();
    for (const [name, value] of body) copy.append(name, value as string);
    return copy;
  }
  if (typeof body === "object" && body !== null && Symbol.asyncIterator in body) {
    const source = body[Symbol.asyncIterator]();
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await source.next();
        if (done === true) controller.close();
        else
          controller.enqueue(typeof value === "string" ? new TextEncoder().encode(value) : value);
      },
      cancel: async () => void (await source.return?.()),
    });
    return await readAll(stream, maxBytes);
  }
  return body;
}

function sender(
  fetch: typeof globalThis.fetch,
  url: string,
  init: RequestInit,
  body: Body | (() => BodyInit),
): Replayable {
  const method = (init.method ?? "GET").toUpperCase();
  const withBody = (settings: RequestInit): RequestInit => {
    if (body === undefined) return settings;
    const made = typeof body === "function" ? body() : body;
    const isStream = typeof made === "object" && made !== null && Symbol.asyncIterator in made;
    return { ...settings, body: made, ...(isStream && { duplex: "half" }) };
  };
  const base = globalThis.location?.href;
  const absolute = URL.canParse(url, base) ? new URL(url, base).href : url;
  return {
    url: absolute,
    method,
    signal: init.signal,
    send(change) {
      if (change === undefined) return fetch(url, withBody(init));
      const headers = new Headers(init.headers);
      for (const [name, value] of Object.entries(change.headers)) headers.set(name, value);
      const { redirect, signal } = change;
      return fetch(change.url, withBody({ ...init, headers, redirect, signal }));
    },
    async identity() {
      const name = `${method} ${absolute.replace(/#.*/s, "")}`;
      const key = new Headers(init.headers).get("Idempotency-Key");
      if (key !== null) return `${name} key ${key}`;
      if (body === undefined || body === null) return name;
      if (typeof body === "function" || globalThis.crypto?.subtle === undefined) return undefined;
      const digest = await crypto.subtle.digest("SHA-256", await bytesOf(body));
      return `${name} ${btoa(String.fromCharCode(...new Uint8Array(digest)))}`;
    },
  };
}

/** All of a body that was kept; the parts of a form without the boundary, which is another one every time. */
async function bytesOf(body: BodyInit): Promise<Uint8Array<ArrayBuffer>> {
  if (!(body instanceof FormData)) return new Uint8Array(await new Response(body).arrayBuffer());
  const parts: Uint8Array[] = [];
  for (const [name, value] of body) {
    const isFile = typeof value !== "string";
    const content = new Uint8Array(await new Response(value).arrayBuffer());
    const head = [name, isFile ? value.name : "", isFile ? value.type : "", content.length];
    parts.push(new TextEncoder().encode(JSON.stringify(head)), content);
  }
  return concatBytes(parts);
}

async function readAll(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readBytes(stream, maxBytes);
  if (bytes !== undefined) return bytes;
  throw new X402Error(
    "body_not_replayable",
    `a streamed body of over ${maxBytes} bytes cannot be sent twice: give a function that makes it anew, or raise maxBodyBytes`,
  );
}
