/** The official client and facilitator, by way of Permit2: our local proxies behave as they expect. */
import type { PaymentPayload } from "@x402/core/types";
import { ExactEvmScheme as ExactClient } from "@x402/evm/exact/client";
import { ExactEvmScheme as ExactFacilitator } from "@x402/evm/exact/facilitator";
import { UptoEvmScheme as UptoClient } from "@x402/evm/upto/client";
import { UptoEvmScheme as UptoFacilitator } from "@x402/evm/upto/facilitator";
import { maxUint256 } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { startLocalWorld, type LocalWorld } from "../../src/testing/index.ts";
import { officialSigner } from "./official-facilitator.ts";

let world: LocalWorld;
beforeAll(async () => {
  world = await startLocalWorld();
});
afterAll(() => world?.stop());

const schemes = [
  { scheme: "exact", Client: ExactClient, Facilitator: ExactFacilitator },
  { scheme: "upto", Client: UptoClient, Facilitator: UptoFacilitator },
] as const;

/** A payment of 10,000 of the plain token by the official client, which has given no allowance yet. */
async function payment({ scheme, Client, Facilitator }: (typeof schemes)[number]) {
  const [payer, payee] = [world.newAccount(), world.newAccount()];
  const token = world.contracts.plainToken;
  await world.fundToken(payer.address, 50_000n, token);
  await world.fundEther(payer.address, 10n ** 18n);
  const facilitator = new Facilitator(officialSigner(world));
  const requirements = {
    scheme,
    network: world.network,
    amount: "10000",
    asset: token,
    payTo: payee.address,
    maxTimeoutSeconds: 60,
    extra: {
      assetTransferMethod: "permit2",
      facilitatorAddress: world.accounts.facilitator.address,
    },
  };
  const { payload } = await new Client(payer.account).createPaymentPayload(2, requirements);
  const paid: PaymentPayload = { x402Version: 2, accepted: requirements, payload };
  const approve = async () => {
    const hash = await world.client.writeContract({
      address: token,
      abi: erc20Abi,
      functionName: "approve",
      args: [world.contracts.permit2, maxUint256],
      account: payer.account,
    });
    await world.client.waitForTransactionReceipt({ hash });
  };
  const received = () => world.balanceOf(payee.address, token);
  return { facilitator, requirements, paid, approve, received, payer };
}

describe.each(schemes)("$scheme", (peers) => {
  it("is verified and settled once the allowance is there, and not again", async () => {
    const { facilitator, requirements, paid, approve, received, payer } = await payment(peers);
    expect(await facilitator.verify(paid, requirements)).toMatchObject({
      isValid: false,
      invalidReason: "permit2_allowance_required",
    });
    await approve();
    expect(await facilitator.verify(paid, requirements)).toMatchObject({
      isValid: true,
      payer: payer.address,
    });
    const charge = peers.scheme === "upto" ? 400n : 10_000n;
    const settled = await facilitator.settle(paid, { ...requirements, amount: charge.toString() });
    expect(settled).toMatchObject({ success: true, network: world.network });
    expect(await received()).toBe(charge);
    // What the peer knows of the payment is gone; Permit2 remembers.
    const other = new peers.Facilitator(officialSigner(world));
    expect(await other.verify(paid, requirements)).toMatchObject({
      isValid: false,
      invalidReason: "permit2_simulation_failed",
    });
    expect(await received()).toBe(charge);
  });
});
