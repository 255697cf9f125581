import { decodeHeader, PAYMENT_RESPONSE, X_PAYMENT_RESPONSE } from "../core/header.ts";
import { SettleResponse } from "../core/messages.ts";

/**
 * The receipt of a paid response; nothing when it has none. Whatever has headers like a response's will do.
 *
 * @throws X402Error `malformed_receipt` or `payload_too_large`.
 */
export function getPaymentReceipt(response: {
  readonly headers: { get(name: string): string | null };
}): SettleResponse | undefined {
  for (const name of [PAYMENT_RESPONSE, X_PAYMENT_RESPONSE]) {
    const text = response.headers.get(name);
    if (text !== null) return decodeHeader(SettleResponse, text, "malformed_receipt", name);
  }
  return undefined;
}
