import { codeOf, X402Error } from "../core/errors.ts";
import {
  encodeHeader,
  PAYMENT_REQUIRED,
  PAYMENT_RESPONSE,
  PAYMENT_SIGNATURE,
  X_PAYMENT,
  X_PAYMENT_RESPONSE,
} from "../core/header.ts";
import type { SettleResponse } from "../core/messages.ts";
import { networkToV1 } from "../core/messages-v1.ts";
import { problemBody, statusOf } from "../core/problem.ts";
import type { Demand } from "./demand.ts";
import type { Answer, AnswerBody } from "./gate.ts";
import type { HttpResponseBody } from "./options.ts";

type Headers = Readonly<Record<string, string>>;

/**
 * 402 with fresh offers for both versions: v2 in the header, v1 in the body.
 *
 * @param error a reason, or what to do, for the client's log.
 * @param receipt of a settlement that failed, if there was one.
 */
export function paymentRequired(
  demand: Demand,
  url: string,
  error: string,
  receipt?: SettleResponse,
): Answer & { readonly body: string; readonly headers: Headers } {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "cache-control": "no-store",
    [PAYMENT_REQUIRED]: demand.header(url, error),
  };
  if (receipt !== undefined) headers[PAYMENT_RESPONSE] = encodeHeader(receipt);
  return { status: 402, headers, body: demand.bodyV1(url, error) };
}

function problem(status: number, code: string, detail: string, headers: Headers = {}): Answer {
  return {
    status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...headers,
    },
    body: problemBody(status, code, detail),
  };
}

const RETRY_SOON = { "retry-after": "1" };

/**
 * Answer to a request that could not be decided about: what its sender did wrong is told (a header that is too long is
 * 431, not 413); else the outcome is not known, or a dependency is down, and the same payment is to come again.
 */
export function undecided(error: unknown): Answer {
  const code = codeOf(error);
  if (error instanceof X402Error) {
    const status = code === "payload_too_large" ? 431 : statusOf(error.code);
    if (status !== undefined) return problem(status, code, error.message);
  }
  return tryAgain(code);
}

/** The outcome is not known yet, or a dependency is down. */
export function tryAgain(code: string): Answer {
  const detail =
    "Send the same request again. If it had a payment: the same one; do not sign another.";
  return problem(503, code, detail, RETRY_SOON);
}

const CONFLICTS = {
  payment_in_flight:
    "A request with this payment is being answered; present the same payment again later.",
  payment_already_used: "This payment has been used.",
  payment_bound_elsewhere: "This payment was made for another request.",
  payment_identifier_conflict: "This payment identifier belongs to another payment.",
} as const;

export type ConflictCode = keyof typeof CONFLICTS;

export function conflict(code: ConflictCode): Answer {
  return problem(409, code, CONFLICTS[code], code === "payment_in_flight" ? RETRY_SOON : {});
}

/** The handler's response could not be held back; nothing was sent, and nothing is charged. */
export function notHeld(why: string): Answer {
  return problem(500, "response_not_held", `${why} Nothing was charged.`);
}

/**
 * Puts the receipt on a response, and keeps shared caches away from it unless the handler says otherwise.
 *
 * @param answer the handler's; header names in lower case.
 */
export function withReceipt(answer: Answer, receipt: SettleResponse, version: 1 | 2): Answer {
  const headers: Record<string, string | readonly string[]> = { ...answer.headers };
  // A handler that pays for what it passes on has receipts of its own.
  for (const name of [PAYMENT_RESPONSE, X_PAYMENT_RESPONSE]) delete headers[name.toLowerCase()];
  if (version === 2) headers[PAYMENT_RESPONSE] = encodeHeader(receipt);
  else {
    const network = networkToV1(receipt.network) ?? receipt.network;
    headers[X_PAYMENT_RESPONSE] = encodeHeader({ ...receipt, network });
  }
  headers["cache-control"] = cacheControl(headers["cache-control"]);
  headers["vary"] = joined(headers["vary"], `${PAYMENT_SIGNATURE}, ${X_PAYMENT}`);
  return { ...answer, headers };
}

/** What the handler says goes, but a shared cache keeps a paid response only where it says `public`. */
function cacheControl(said: string | readonly string[] | undefined): string {
  const text = typeof said === "string" ? said : (said ?? []).join(", ");
  if (text === "") return "private, no-store";
  return /\b(?:public|private|no-store)\b/i.test(text) ? text : `${text}, private`;
}

/** Adds headers to an answer; `vary` and what is exposed to scripts are added to what is there. */
export function withHeaders<T extends Answer>(answer: T, added: Headers): T {
  const headers: Record<string, string | readonly string[]> = { ...answer.headers };
  for (const [name, value] of Object.entries(added)) {
    const list = name === "vary" || name === "access-control-expose-headers";
    headers[name] = list ? joined(headers[name], value) : (headers[name] ?? value);
  }
  return { ...answer, headers };
}

function joined(present: string | readonly string[] | undefined, value: string): string {
  const before = typeof present === "string" ? present : (present ?? []).join(", ");
  return before === "" ? value : `${before}, ${value}`;
}

/** A publisher's own body; what is no text and no bytes is sent as JSON. */
export function withBody(answer: Answer, { contentType, body }: HttpResponseBody): Answer {
  const raw = typeof body === "string" || body instanceof Uint8Array || body === null;
  return {
    ...answer,
    headers: { ...answer.headers, "content-type": contentType },
    body: raw ? (body as AnswerBody) : JSON.stringify(body),
  };
}
