import { X402Error } from "../core/errors.ts";
import { parseAmount } from "../core/amount.ts";
import { encodeHeader, MAX_HEADER_LENGTH, PAYMENT_SIGNATURE, X_PAYMENT } from "../core/header.ts";
import { PAYMENT_IDENTIFIER, withIdentifier } from "../core/payment-identifier.ts";
import type { PaymentPayload } from "../core/messages.ts";
import { paymentToV1 } from "../core/messages-v1.ts";
import type { ClientScheme } from "../core/scheme.ts";
import { readDemand, type Demand } from "./payment-required.ts";
import { replayable } from "./replay.ts";
import { MAX_DECIMALS, selectOffer, type Choice } from "./select.ts";

export interface WrapFetchOptions {
  /** What can be paid with, for example `[exactEvm({ account })]`. */
  readonly schemes: readonly ClientScheme[];
  /** The most that one payment may cost, in dollars; default `"$1"`. */
  readonly maxAmount?: string;
  /** The longest that a payment may stay valid, whatever the server asks for; default 3600. */
  readonly maxLifetimeSeconds?: number;
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number;
}

/**
 * A `fetch` that pays. A 402 is answered with one signed payment, within the limit, and the request is sent again with
 * it; its answer is returned, whatever it is. At most one payment is signed for a call.
 *
 * The payment goes to the origin that asked for it, and no redirect is followed with it.
 *
 * @throws X402Error `payment_refused` when nothing may be paid, `malformed_payment_required` when the 402 cannot be
 * read, `body_not_replayable`; and whatever `fetch` throws.
 * @throws TypeError for options that cannot work.
 */
export function wrapFetchWithPayment(
  fetch: typeof globalThis.fetch,
  options: WrapFetchOptions,
): typeof globalThis.fetch {
  const { schemes, maxAmount = "$1", maxLifetimeSeconds = 3600, now = Date.now } = options;
  if (schemes.length === 0)
    throw new TypeError("schemes is empty: give one, for example exactEvm({ account })");
  parseAmount(maxAmount, MAX_DECIMALS);
  if (!Number.isSafeInteger(maxLifetimeSeconds) || maxLifetimeSeconds <= 0) {
    throw new TypeError("maxLifetimeSeconds is not a positive whole number");
  }

  return async (input, init) => {
    const request = await replayable(fetch, input, init);
    const response = await request.send();
    if (response.status !== 402) return response;
    const demand = await readDemand(response);
    if (demand === undefined) return response;

    const url = response.url === "" ? request.url : response.url;
    if (response.redirected && new URL(url).origin !== new URL(request.url).origin) {
      throw new X402Error(
        "payment_refused",
        "nothing was paid: the request was redirected to another origin",
      );
    }
    if (response.redirected && !["GET", "HEAD"].includes(request.method)) {
      throw new X402Error(
        "payment_refused",
        "nothing was paid: a request that is no GET was redirected",
      );
    }
    const choice = selectOffer(demand.offers, schemes, maxAmount);
    const headers = await pay(demand, choice);
    response.body?.cancel().catch(() => undefined);
    return await request.send({ url, headers, redirect: "manual" });
  };

  /** Signs a payment for the chosen requirements; gives the headers that carry it. */
  async function pay(
    { version, message }: Demand,
    { scheme, requirements }: Choice,
  ): Promise<Record<string, string>> {
    const payload = await scheme.createPayload(requirements, {
      nowSeconds: Math.floor(now() / 1000),
      lifetimeSeconds: Math.min(requirements.maxTimeoutSeconds, maxLifetimeSeconds),
      x402Version: version,
    });
    if (version === 1) return { [X_PAYMENT]: encodeHeader(paymentToV1(payload, requirements)) };
    const extensions = message?.extensions && withIdentifier(message.extensions);
    const payment: PaymentPayload = {
      x402Version: 2,
      ...(message?.resource && { resource: message.resource }),
      accepted: requirements,
      payload,
      ...(extensions && { extensions }),
    };
    const header = encodeHeader(payment);
    if (header.length <= MAX_HEADER_LENGTH) return { [PAYMENT_SIGNATURE]: header };
    // Servers bound the header; without the rest of the echo it says all that a settlement needs.
    const named = extensions?.[PAYMENT_IDENTIFIER];
    return {
      [PAYMENT_SIGNATURE]: encodeHeader({
        x402Version: 2,
        accepted: requirements,
        payload,
        ...(named !== undefined && { extensions: { [PAYMENT_IDENTIFIER]: named } }),
      }),
    };
  }
}
