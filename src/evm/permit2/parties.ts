import { evmChainId } from "../../core/network.ts";
import type { PaymentRequirements } from "../../core/messages.ts";
import type { Hex } from "../../core/scheme.ts";
import { checksumAddress, parseAddress } from "../address.ts";

/** Token and payee of requirements that can be paid with Permit2, with checksums. */
export function permitParties(
  requirements: PaymentRequirements,
): { chainId: number; token: Hex; payTo: Hex } | undefined {
  const chainId = evmChainId(requirements.network);
  const token = parseAddress(requirements.asset);
  const payTo = parseAddress(requirements.payTo);
  return chainId === undefined || token === undefined || payTo === undefined
    ? undefined
    : { chainId, token: checksumAddress(token), payTo: checksumAddress(payTo) };
}
