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
  const { resource, extensions: declared } = message ?? {};
  const extensions = declared && extended(withIdentifier(declared), added);
  const encode = (echo: object) => encodeHeader({ x402Version: 2, ...echo, accepted, payload });
  const header = encode({ resource, extensions });
  if (header.length <= MAX_HEADER_LENGTH) return { [PAYMENT_SIGNATURE]: header };
  // Servers bound the header; without the rest of the echo it says all that a settlement needs.
  const named = extensions?.[PAYMENT_IDENTIFIER];
  const needed = extended(named === undefined ? {} : { [PAYMENT_IDENTIFIER]: named }, added);
  return {
    [PAYMENT_SIGNATURE]: encode({
      extensions: Object.keys(needed).length > 0 ? needed : undefined,
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
