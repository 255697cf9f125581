/** A payment must stay valid for this long, so that it can be settled (reference: 6 s). */
export const SETTLEMENT_MARGIN_SECONDS = 6;

const MAX_LIFETIME_SECONDS = 3600;

/** The longest remaining validity of a payment, as given or an hour. @throws TypeError */
export function lifetimeLimit(given: number = MAX_LIFETIME_SECONDS): number {
  if (!Number.isSafeInteger(given) || given <= 0)
    throw new TypeError("maxLifetimeSeconds is not a positive whole number");
  return given;
}
