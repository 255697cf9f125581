import type { PaymentRequirements } from "../core/messages.ts";
import { networkFamily } from "../core/network.ts";
import type { ServerScheme } from "../core/scheme.ts";
import type { Payment } from "./gate.ts";

/**
 * What `charge` of a payment makes of an amount: the requirements to settle.
 *
 * @throws TypeError when the scheme charges its price as it is, or the amount cannot be charged.
 */
export function chargedRequirements(
  schemes: readonly ServerScheme[],
  requirements: PaymentRequirements,
  amount: Parameters<Payment["charge"]>[0],
): PaymentRequirements {
  const scheme = schemeOf(schemes, requirements);
  if (scheme?.charge === undefined)
    throw new TypeError(`scheme "${requirements.scheme}" charges its price as it is`);
  return { ...requirements, amount: scheme.charge(amount, requirements) };
}

/** The scheme that made these requirements. */
export function schemeOf(
  schemes: readonly ServerScheme[],
  { scheme, network }: PaymentRequirements,
): ServerScheme | undefined {
  return schemes.find((each) => each.scheme === scheme && each.family === networkFamily(network));
}
