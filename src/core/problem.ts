import { X402Error, type ErrorCode } from "./errors.ts";

/** HTTP status of a thrown error: 4xx for what the sender did, 503 for what the world did. Never 500. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  malformed_payment: 400,
  malformed_requirements: 400,
  malformed_request: 400,
  ambiguous_payment: 400,
  unsupported_version: 400,
  request_refused: 403,
  payload_too_large: 413,
  unsupported_media_type: 415,
  payment_in_flight: 409,
  payment_already_used: 409,
};

const RETRY_AFTER_SECONDS = "1";

/** Status of what the sender did wrong; nothing for what failed on our side. */
export function statusOf(code: ErrorCode): number | undefined {
  return STATUS[code];
}

/** JSON of a problem+json answer (RFC 9457). */
export function problemBody(status: number, code: string, detail: string): string {
  return JSON.stringify({ type: "about:blank", title: code, status, code, detail });
}

/** A problem+json answer with a stable code. `detail` goes to the caller: never an exception's text. */
export function problemResponse(
  status: number,
  code: string,
  detail: string,
  headers: Record<string, string> = {},
): Response {
  return new Response(problemBody(status, code, detail), {
    status,
    headers: {
      "Content-Type": "application/problem+json",
      "Cache-Control": "no-store",
      ...headers,
    },
  });
}

/**
 * Problem answer of a thrown value. Details of 4xx name the field and are given; what failed on our side is not told
 * (RPC URLs carry keys): 503, to be asked again.
 */
export function problemOf(error: unknown): Response {
  const code: ErrorCode = error instanceof X402Error ? error.code : "internal_error";
  const status = statusOf(code);
  if (status !== undefined && error instanceof X402Error)
    return problemResponse(status, code, error.message);
  return problemResponse(
    503,
    code,
    "Nothing is known to be wrong with the request; send the identical one again.",
    {
      "Retry-After": RETRY_AFTER_SECONDS,
    },
  );
}
