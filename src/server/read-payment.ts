import { X402Error } from "../core/errors.ts";
import { decodeHeader, PAYMENT_SIGNATURE, X_PAYMENT } from "../core/header.ts";
import { findAcceptedOffer } from "../core/match.ts";
import { PaymentPayload } from "../core/messages.ts";
import { findOfferV1, paymentFromV1, PaymentPayloadV1 } from "../core/messages-v1.ts";
import { networkFamily } from "../core/network.ts";
import type { ServerScheme } from "../core/scheme.ts";
import type { PaywallRequest } from "./gate.ts";
import type { PricedOffer } from "./offers.ts";

/** A payment as it came with a request. */
export interface PresentedPayment {
  readonly version: 1 | 2;
  readonly payload: PaymentPayload;
  /** The offer that it accepts, if it is still made. */
  readonly offer?: PricedOffer | undefined;
  /** Identity of the money movement, also where the offer is not made any more; nothing when no scheme here knows. */
  readonly key?: string | undefined;
}

/** Header and version of the payment that a request has; nothing when it has none. */
export function paymentHeader({
  headers,
}: PaywallRequest): { text: string; version: 1 | 2 } | undefined {
  const v2 = headers.get(PAYMENT_SIGNATURE);
  const v1 = headers.get(X_PAYMENT);
  if (v2 !== null && v1 !== null) {
    throw new X402Error(
      "ambiguous_payment",
      `${PAYMENT_SIGNATURE}: send either it or ${X_PAYMENT}, not both`,
    );
  }
  if (v2 !== null) return { text: v2, version: 2 };
  return v1 === null ? undefined : { text: v1, version: 1 };
}

/**
 * Reads a payment header.
 *
 * @throws X402Error `malformed_payment` or `payload_too_large`.
 */
export function readPayment(
  { text, version }: { text: string; version: 1 | 2 },
  offers: readonly PricedOffer[],
  schemes: readonly ServerScheme[],
): PresentedPayment {
  const requirements = offers.map((offer) => offer.requirements);
  if (version === 2) {
    const payload = decodeHeader(PaymentPayload, text, "malformed_payment", PAYMENT_SIGNATURE);
    const accepted = findAcceptedOffer(payload, requirements);
    const offer = offers.find((candidate) => candidate.requirements === accepted);
    return { version, payload, offer, key: keyOf(payload, offer, schemes) };
  }
  const payment = decodeHeader(PaymentPayloadV1, text, "malformed_payment", X_PAYMENT);
  const accepted = findOfferV1(payment, requirements);
  const offer = offers.find((candidate) => candidate.requirements === accepted);
  if (offer === undefined) {
    const network = "x402v1:unknown";
    const none = { amount: "0", asset: "none", payTo: "none", maxTimeoutSeconds: 1 };
    return {
      version,
      payload: paymentFromV1(payment, { scheme: payment.scheme, network, ...none }),
    };
  }
  const payload = paymentFromV1(payment, offer.requirements);
  return { version, payload, offer, key: keyOf(payload, offer, schemes) };
}

/** @throws X402Error when the payload does not have the form that its scheme defines. */
function keyOf(
  { payload, accepted }: PaymentPayload,
  offer: PricedOffer | undefined,
  schemes: readonly ServerScheme[],
): string | undefined {
  const scheme =
    offer?.scheme ??
    schemes.find(
      (each) => each.scheme === accepted.scheme && each.family === networkFamily(accepted.network),
    );
  const key = scheme?.paymentKey(payload, offer?.requirements ?? accepted);
  if (key === undefined && offer !== undefined)
    throw new X402Error(
      "malformed_payment",
      "payload: does not have the form that its scheme defines",
    );
  return key;
}
