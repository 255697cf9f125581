import { X402Error } from "../core/errors.ts";
import {
  encodeHeader,
  PAYMENT_REQUIRED,
  PAYMENT_RESPONSE,
  PAYMENT_SIGNATURE,
  X_PAYMENT,
  X_PAYMENT_RESPONSE,
} from "../core/header.ts";
import type { ResourceInfo, SettleResponse } from "../core/messages.ts";
import { networkToV1, offersToV1 } from "../core/messages-v1.ts";
import { problemOf, problemResponse } from "../core/problem.ts";
import type { PricedOffer } from "./offers.ts";

/**
 * 402 with fresh offers for both versions: v2 in the header, v1 in the body.
 *
 * @param error a reason, or what to do, for the client's log.
 * @param receipt of a settlement that failed, if there was one.
 */
export function paymentRequired(
  resource: ResourceInfo,
  offers: readonly PricedOffer[],
  error: string,
  receipt?: SettleResponse,
): Response {
  const accepts = offers.map((offer) => offer.requirements);
  const body = { x402Version: 1, error, accepts: offersToV1(accepts, resource) };
  return new Response(JSON.stringify(body), {
    status: 402,
    headers: {
      "Content-Type": "application/json",
      "Cache-Control": "no-store",
      [PAYMENT_REQUIRED]: encodeHeader({ x402Version: 2, error, resource, accepts }),
      ...(receipt && { [PAYMENT_RESPONSE]: encodeHeader(receipt) }),
    },
  });
}

/** Answer to a payment that cannot be read. A header that is too long is 431, not 413. */
export function unreadablePayment(error: unknown): Response {
  if (error instanceof X402Error && error.code === "payload_too_large") {
    return problemResponse(431, error.code, error.message);
  }
  return problemOf(error);
}

/** The outcome is not known yet, or a dependency is down: the same payment is to be presented again. */
export function tryAgain(code: string): Response {
  return problemResponse(503, code, "Present the same payment again; do not sign another one.", {
    "Retry-After": "1",
  });
}

export function conflict(
  code: "payment_in_flight" | "payment_already_used" | "payment_bound_elsewhere",
): Response {
  const detail = {
    payment_in_flight:
      "A request with this payment is being answered; present the same payment again later.",
    payment_already_used: "This payment has been used.",
    payment_bound_elsewhere: "This payment was made for another request.",
  };
  return problemResponse(
    409,
    code,
    detail[code],
    code === "payment_in_flight" ? { "Retry-After": "1" } : {},
  );
}

/** Puts the receipt on a paid response, and keeps shared caches away from it unless the handler says otherwise. */
export function paidResponse(
  response: Response,
  receipt: SettleResponse,
  version: 1 | 2,
): Response {
  const headers = new Headers(response.headers);
  const v1Network = networkToV1(receipt.network) ?? receipt.network;
  if (version === 2) headers.set(PAYMENT_RESPONSE, encodeHeader(receipt));
  else headers.set(X_PAYMENT_RESPONSE, encodeHeader({ ...receipt, network: v1Network }));
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "private, no-store");
  headers.append("Vary", `${PAYMENT_SIGNATURE}, ${X_PAYMENT}`);
  return new Response(response.body, {
    status: response.status,
    statusText: response.statusText,
    headers,
  });
}
