import { X402Error } from "../core/errors.ts";
import { decodeHeader, PAYMENT_SIGNATURE, X_PAYMENT } from "../core/header.ts";
import { findAcceptedOffer } from "../core/match.ts";
import { PaymentPayload } from "../core/messages.ts";
import { findOfferV1, paymentFromV1, PaymentPayloadV1 } from "../core/messages-v1.ts";
import type { PricedOffer } from "./offers.ts";

/** A payment as it came with a request, and the offer that it accepts, if any. */
export type PresentedPayment =
  | { readonly version: 1 | 2; readonly offer: PricedOffer; readonly payload: PaymentPayload }
  | { readonly version: 1 | 2; readonly offer?: undefined };

/**
 * The payment of a request; nothing when it has none.
 *
 * @throws X402Error `ambiguous_payment`, `malformed_payment` or `payload_too_large`.
 */
export function readPayment(
  headers: Headers,
  offers: readonly PricedOffer[],
): PresentedPayment | undefined {
  const v2 = headers.get(PAYMENT_SIGNATURE);
  const v1 = headers.get(X_PAYMENT);
  if (v2 !== null && v1 !== null) {
    throw new X402Error(
      "ambiguous_payment",
      `${PAYMENT_SIGNATURE}: send either it or ${X_PAYMENT}, not both`,
    );
  }
  const requirements = offers.map((offer) => offer.requirements);
  if (v2 !== null) {
    const payload = decodeHeader(PaymentPayload, v2, "malformed_payment", PAYMENT_SIGNATURE);
    const accepted = findAcceptedOffer(payload, requirements);
    const offer = offers.find((candidate) => candidate.requirements === accepted);
    return offer === undefined ? { version: 2 } : { version: 2, offer, payload };
  }
  if (v1 !== null) {
    const payment = decodeHeader(PaymentPayloadV1, v1, "malformed_payment", X_PAYMENT);
    const accepted = findOfferV1(payment, requirements);
    const offer = offers.find((candidate) => candidate.requirements === accepted);
    return offer === undefined
      ? { version: 1 }
      : { version: 1, offer, payload: paymentFromV1(payment, offer.requirements) };
  }
  return undefined;
}
