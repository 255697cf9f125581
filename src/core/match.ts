import { isSameJson } from "./json.ts";
import type { PaymentPayload, PaymentRequirements } from "./messages.ts";

/**
 * Which of the advertised offers a payment accepts: `accepted` without `extra` equals the offer (strings exact, key
 * order irrelevant), and `accepted.extra` holds at least what the offer's `extra` holds (specification v2, 5.2). An offer
 * whose `extra` is the very same comes first.
 */
export function findAcceptedOffer<T extends PaymentRequirements>(
  payment: PaymentPayload,
  offers: readonly T[],
): T | undefined {
  const { extra, ...accepted } = payment.accepted;
  const fitting = offers.filter(
    ({ extra: offered, ...offer }) => isSameJson(offer, accepted) && isSubset(offered, extra),
  );
  return fitting.find((offer) => isSameJson(offer.extra ?? {}, extra ?? {})) ?? fitting[0];
}

/** Whether every entry of `part` is in `whole`, at any depth of objects. */
export function isSubset(part: unknown, whole: unknown): boolean {
  if (part === undefined) return true;
  if (typeof part !== "object" || part === null || Array.isArray(part)) {
    return isSameJson(part, whole ?? null);
  }
  if (whole === undefined || whole === null) return Object.keys(part).length === 0;
  if (typeof whole !== "object" || Array.isArray(whole)) return false;
  return Object.entries(part).every(([key, value]) =>
    isSubset(value, (whole as Record<string, unknown>)[key]),
  );
}
