import { encodeHeader, MAX_HEADER_LENGTH, PAYMENT_SIGNATURE, X_PAYMENT } from "../core/header.ts";
import type { PaymentPayload } from "../core/messages.ts";
import { paymentToV1 } from "../core/messages-v1.ts";
import { PAYMENT_IDENTIFIER, withIdentifier } from "../core/payment-identifier.ts";
import type { Extensions } from "../core/scheme.ts";
import type { Demand } from "./payment-required.ts";

/** The headers that carry a signed payload to the server that asked for it. */
export function paymentHeaders(
  { version, message }: Demand,
  accepted: PaymentPayload["accepted"],
  payload: Record<string, unknown>,
  added: Extensions = {},
): Record<string, string> {
  if (version === 1) return { [X_PAYMENT]: encodeHeader(paymentToV1(payload, accepted)) };
  const extensions = message?.extensions && extended(withIdentifier(message.extensions), added);
  const payment: PaymentPayload = {
    x402Version: 2,
    ...(message?.resource && { resource: message.resource }),
    accepted,
    payload,
    ...(extensions && { extensions }),
  };
  const header = encodeHeader(payment);
  if (header.length <= MAX_HEADER_LENGTH) return { [PAYMENT_SIGNATURE]: header };
  // Servers bound the header; without the rest of the echo it says all that a settlement needs.
  const named = extensions?.[PAYMENT_IDENTIFIER];
  const needed = {
    ...(named !== undefined && { [PAYMENT_IDENTIFIER]: named }),
    ...Object.fromEntries(Object.entries(added).map(([name, info]) => [name, { info }])),
  };
  return {
    [PAYMENT_SIGNATURE]: encodeHeader({
      x402Version: 2,
      accepted,
      payload,
      ...(Object.keys(needed).length > 0 && { extensions: needed }),
    }),
  };
}

/** The echo of what a server declared, with what the payment says itself in its `info`. */
function extended(declared: Record<string, unknown>, added: Extensions): Record<string, unknown> {
  const result = { ...declared };
  for (const [name, info] of Object.entries(added)) {
    const extension = (declared[name] ?? {}) as { readonly info?: unknown };
    result[name] = { ...extension, info: { ...(extension.info as object | undefined), ...info } };
  }
  return result;
}
