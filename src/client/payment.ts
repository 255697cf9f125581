import { encodeHeader, MAX_HEADER_LENGTH, PAYMENT_SIGNATURE, X_PAYMENT } from "../core/header.ts";
import type { PaymentPayload } from "../core/messages.ts";
import { paymentToV1 } from "../core/messages-v1.ts";
import { newIdentifier } from "../core/payment-identifier.ts";
import type { Extensions } from "../core/scheme.ts";
import type { Demand } from "./payment-required.ts";

/** The headers that carry a signed payload to the server that asked for it. */
export function paymentHeaders(
  { version, message }: Demand,
  accepted: PaymentPayload["accepted"],
  payload: Record<string, unknown>,
  added?: Extensions,
): Record<string, string> {
  if (version === 1) return { [X_PAYMENT]: encodeHeader(paymentToV1(payload, accepted)) };
  const { resource, extensions: declared } = message ?? {};
  const own = declared && { ...newIdentifier(declared), ...added };
  const encode = (echo: object) => encodeHeader({ x402Version: 2, ...echo, accepted, payload });
  const header = encode({ resource, extensions: own && { ...declared, ...own } });
  if (header.length <= MAX_HEADER_LENGTH) return { [PAYMENT_SIGNATURE]: header };
  // Servers bound the header; without the mere echo it says all that a settlement needs.
  return { [PAYMENT_SIGNATURE]: encode({ extensions: own }) };
}
