import { X402Error } from "../core/errors.ts";
import { formatAmount, parseAmount } from "../core/amount.ts";
import type { PaymentRequirements } from "../core/messages.ts";
import { networkFamily } from "../core/network.ts";
import type { ClientScheme } from "../core/scheme.ts";

export interface Choice {
  readonly scheme: ClientScheme;
  readonly requirements: PaymentRequirements;
}

/** Limits are compared at this many decimals, which no token has more of. */
export const MAX_DECIMALS = 36;

/** Orders of verify, handler and settle that need nothing else of a client; others are not understood. */
const FLOWS: ReadonlySet<unknown> = new Set([undefined, null, "authorization", "upfront"]);

/**
 * The first offer that can be paid and is within the limit. Amounts are compared in units of our own table of tokens:
 * what a server says about decimals counts for nothing.
 *
 * @param maxAmount dollars, for example `"$1"`.
 * @throws X402Error `payment_refused`, saying for every offer why not.
 */
export function selectOffer(
  offers: readonly PaymentRequirements[],
  schemes: readonly ClientScheme[],
  maxAmount: string,
): Choice {
  const refusals: string[] = [];
  for (const requirements of offers) {
    const scheme = schemes.find(
      (candidate) =>
        candidate.scheme === requirements.scheme &&
        candidate.family === networkFamily(requirements.network),
    );
    const refusal =
      scheme === undefined ? "no scheme for it" : whyRefused(requirements, scheme, maxAmount);
    if (scheme !== undefined && refusal === undefined) return { scheme, requirements };
    refusals.push(`${quote(requirements.scheme)} on ${quote(requirements.network)}: ${refusal}`);
  }
  throw new X402Error(
    "payment_refused",
    `nothing was paid: ${refusals.join("; ") || "the server offers no way to pay"}`,
  );
}

function whyRefused(
  requirements: PaymentRequirements,
  scheme: ClientScheme,
  maxAmount: string,
): string | undefined {
  if (!FLOWS.has(requirements.extra?.["paymentFlow"])) return "its payment flow is not supported";
  if (!scheme.supports(requirements)) return "it cannot be paid with this scheme";
  const asset = scheme.asset(requirements);
  if (asset === undefined || !asset.usd)
    return `the token ${quote(requirements.asset)} is not a known dollar token`;
  const amount = BigInt(requirements.amount);
  if (
    amount * 10n ** BigInt(MAX_DECIMALS - asset.decimals) >
    parseAmount(maxAmount, MAX_DECIMALS)
  ) {
    return `the price of $${formatAmount(amount, asset.decimals)} is over the limit of ${maxAmount} a payment`;
  }
  return undefined;
}

/** Text of a server, made safe to show: short, and without anything that is not seen or turns the line around. */
const quote = (text: string): string =>
  JSON.stringify(text.slice(0, 80)).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
