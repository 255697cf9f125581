import { X402Error } from "../core/errors.ts";
import type { Facilitator, FacilitatorCallOptions } from "../core/facilitator.ts";
import { Supported, VerifyResponse } from "../core/facilitator-messages.ts";
import { SettleResponse } from "../core/messages.ts";
import { parseText } from "../core/parse.ts";
import { fail, type Schema } from "../core/schema.ts";
import { readBytes } from "../core/body.ts";

export interface HttpFacilitatorOptions {
  readonly fetch?: typeof globalThis.fetch;
  /** Headers of every request, for example an API key. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long a verify or a look at `/supported` may take; default 10 s. */
  readonly timeoutMs?: number;
  /** How long a settle may take; default 60 s. */
  readonly settleTimeoutMs?: number;
}

const MAX_ANSWER_BYTES = 64 * 1024;

/** Statuses of a request that was turned away before anything was done, when no answer of the protocol comes along. */
const REFUSED = new Set([401, 403, 404, 405, 413, 415, 429]);

/** Error codes of Node for a connection that never was: nothing can have been done. */
const NO_CONNECTION = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Whether a request provably reached nobody. Elsewhere than in Node errors have no codes, and it is not known. */
function neverConnected(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errors, cause } = error as Error & { code?: unknown; errors?: unknown };
  if (Array.isArray(errors) && errors.length > 0) return errors.every(neverConnected);
  return NO_CONNECTION.has(String(code)) || neverConnected(cause);
}

/**
 * A facilitator over HTTP (specification v2, section 7).
 *
 * The JSON body counts, not the status: peers answer a refusal with 200, 400, 412 or 500. An answer that cannot be
 * read, or none, is *unknown*: a settle then throws with `retry: "unsafe"`.
 *
 * @throws TypeError for a URL that is none.
 */
export function httpFacilitator(url: string, options: HttpFacilitatorOptions = {}): Facilitator {
  const parsed = typeof url === "string" && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== "http:" && parsed?.protocol !== "https:") {
    throw new TypeError("facilitator is not a URL that begins with http:// or https://");
  }
  const base = parsed.href.replace(/\/$/, "");
  const { fetch = globalThis.fetch, timeoutMs = 10_000, settleTimeoutMs = 60_000 } = options;

  async function ask<T>(
    schema: Schema<T>,
    path: string,
    retry: "safe" | "unsafe",
    init: { body?: unknown; timeoutMs: number; call?: FacilitatorCallOptions | undefined },
  ): Promise<T> {
    const { body, call } = init;
    const unavailable = (cause?: unknown) =>
      new X402Error("facilitator_unavailable", `the facilitator did not answer ${path}`, {
        retry: neverConnected(cause) ? "safe" : retry,
        cause,
      });
    const timeout = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        timeout.abort();
        reject(unavailable());
      }, init.timeoutMs);
    });
    const answered = (async () => {
      const response = await fetch(`${base}${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: {
          Accept: "application/json",
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...(call?.idempotencyKey === undefined ? {} : { "Idempotency-Key": call.idempotencyKey }),
          ...options.headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: "error",
        signal:
          call?.signal === undefined
            ? timeout.signal
            : AbortSignal.any([call.signal, timeout.signal]),
      });
      return { status: response.status, bytes: await readBytes(response.body, MAX_ANSWER_BYTES) };
    })();
    const { status, bytes } = await Promise.race([answered, expired])
      .catch((cause: unknown) => {
        throw cause instanceof X402Error ? cause : unavailable(cause);
      })
      .finally(() => clearTimeout(timer));
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes ?? fail("is too large"));
      return parseText(
        schema,
        text,
        MAX_ANSWER_BYTES,
        "facilitator_malformed",
        `facilitator ${path}`,
      );
    } catch (cause) {
      const refused = REFUSED.has(status);
      const code = refused
        ? "facilitator_refused"
        : status >= 500
          ? "facilitator_unavailable"
          : "facilitator_malformed";
      throw new X402Error(code, `the facilitator answered ${path} with status ${status}`, {
        retry: refused ? "safe" : retry,
        cause,
      });
    }
  }

  return {
    verify: (body, call) => ask(VerifyResponse, "/verify", "safe", { body, timeoutMs, call }),
    settle: (body, call) =>
      ask(SettleResponse, "/settle", "unsafe", { body, timeoutMs: settleTimeoutMs, call }),
    supported: () => ask(Supported, "/supported", "safe", { timeoutMs }),
  };
}
