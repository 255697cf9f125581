import { readBytes } from "../core/body.ts";
import { decodeHeader, PAYMENT_REQUIRED } from "../core/header.ts";
import { parseJson } from "../core/json.ts";
import { PaymentRequired, type PaymentRequirements } from "../core/messages.ts";
import { PaymentRequiredV1, requirementsFromV1 } from "../core/messages-v1.ts";
import { parseValue } from "../core/parse.ts";

/** What a 402 asks for, in either version. */
export interface Demand {
  readonly version: 1 | 2;
  readonly offers: readonly PaymentRequirements[];
  /** Why a payment was refused, in the server's words. */
  readonly error?: string | undefined;
  /** The v2 message, of which parts are echoed. */
  readonly message?: PaymentRequired;
}

const MAX_BODY_BYTES = 64 * 1024;

/**
 * Reads a 402: the `PAYMENT-REQUIRED` header first, then a v1 body. Nothing when it is no x402 answer. The response's
 * own body stays readable.
 *
 * @throws X402Error `malformed_payment_required` or `payload_too_large`.
 */
export async function readDemand(response: Response): Promise<Demand | undefined> {
  const header = response.headers.get(PAYMENT_REQUIRED);
  if (header !== null) {
    const message = decodeHeader(
      PaymentRequired,
      header,
      "malformed_payment_required",
      PAYMENT_REQUIRED,
    );
    return { version: 2, offers: message.accepts, error: message.error, message };
  }
  const body = await readJson(response.clone());
  if ((body as { x402Version?: unknown } | null | undefined)?.x402Version !== 1) return undefined;
  const message = parseValue(PaymentRequiredV1, body, "malformed_payment_required", "402 body");
  return {
    version: 1,
    error: message.error,
    offers: message.accepts.flatMap((offer) => requirementsFromV1(offer) ?? []),
  };
}

/** The body as JSON; nothing when it is no JSON, or too large to be an offer. */
async function readJson(response: Response): Promise<unknown> {
  const bytes = await readBytes(response.body, MAX_BODY_BYTES);
  if (bytes === undefined) return undefined;
  try {
    return parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
