import { X402Error } from "../core/errors.ts";
import type { Facilitator, FacilitatorCallOptions } from "../core/facilitator.ts";
import { SettleResponse, Supported, VerifyResponse } from "../core/messages.ts";
import { parseText } from "../core/parse.ts";
import type { Schema } from "../core/schema.ts";

export interface HttpFacilitatorOptions {
  readonly fetch?: typeof globalThis.fetch;
  /** Headers of every request, for example an API key. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long a verify or a look at `/supported` may take; default 10 s. */
  readonly timeoutMs?: number;
  /** How long a settle may take; default 60 s. */
  readonly settleTimeoutMs?: number;
}

const MAX_ANSWER_LENGTH = 64 * 1024;

/**
 * A facilitator over HTTP (specification v2, section 7).
 *
 * The JSON body counts, not the status: peers answer a refusal with 200, 400, 412 or 500. An answer that cannot be
 * read, or none, is *unknown*: a settle then throws with `retry: "unsafe"`.
 *
 * @throws TypeError for a URL that is none.
 */
export function httpFacilitator(url: string, options: HttpFacilitatorOptions = {}): Facilitator {
  const base = new URL(url).href.replace(/\/$/, "");
  const { fetch = globalThis.fetch, timeoutMs = 10_000, settleTimeoutMs = 60_000 } = options;

  async function ask<T>(
    schema: Schema<T>,
    path: string,
    retry: "safe" | "unsafe",
    init: { body?: unknown; timeoutMs: number; call?: FacilitatorCallOptions | undefined },
  ): Promise<T> {
    const { body, call } = init;
    const timeout = AbortSignal.timeout(init.timeoutMs);
    let text: string;
    let status: number;
    try {
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
        signal: call?.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]),
      });
      status = response.status;
      text = await response.text();
    } catch (cause) {
      throw new X402Error("facilitator_unavailable", `the facilitator did not answer ${path}`, {
        retry,
        cause,
      });
    }
    try {
      return parseText(
        schema,
        text,
        MAX_ANSWER_LENGTH,
        "facilitator_malformed",
        `facilitator ${path}`,
      );
    } catch (cause) {
      const code = status >= 500 ? "facilitator_unavailable" : "facilitator_malformed";
      throw new X402Error(code, `the facilitator answered ${path} with status ${status}`, {
        retry,
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
