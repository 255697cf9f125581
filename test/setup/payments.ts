/** Payments as an agent would sign them, for tests of the facilitator. */
import type { FacilitatorRequest, PaymentRequirements } from "../../src/core/messages.ts";
import type { Network } from "../../src/core/network.ts";
import { exactEvm } from "../../src/evm/index.ts";
import type { EvmSigner } from "../../src/evm/signer.ts";

/** Requirements of a dollar price at the local world's token. */
export function requirementsOf(
  price: string,
  payTo: string,
  network: Network = "eip155:84532",
): PaymentRequirements {
  return {
    scheme: "exact",
    network,
    payTo,
    maxTimeoutSeconds: 300,
    ...exactEvm().price(price, network),
  };
}

/** A request to `/verify` or `/settle` with a fresh payment for these requirements. */
export async function signedRequest(
  account: EvmSigner,
  requirements: PaymentRequirements,
  lifetimeSeconds = 300,
): Promise<FacilitatorRequest> {
  const payload = await exactEvm({ account }).createPayload(requirements, {
    nowSeconds: Math.floor(Date.now() / 1000),
    lifetimeSeconds,
    x402Version: 2,
  });
  return {
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted: requirements, payload },
    paymentRequirements: requirements,
  };
}
