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
  const scheme = schemes.find(
    (each) =>
      each.scheme === requirements.scheme && each.family === networkFamily(requirements.network),
  );
  if (scheme?.charge === undefined)
    throw new TypeError(`scheme "${requirements.scheme}" charges its price as it is`);
  return { ...requirements, amount: scheme.charge(amount, requirements) };
}
