/** Delegations (ERC-7710) of smart wallets in the local world, and payments with them. */
import type { Hex } from "viem";
import type { FacilitatorRequest } from "../../src/core/messages.ts";
import {
  LOCAL_CONTRACTS,
  signDelegation,
  type Delegation,
  type LocalWorld,
  type SmartWallet,
  type TestAccount,
} from "../../src/testing/index.ts";
import { requirementsOf } from "../setup/payments.ts";
import { PRICE } from "./world.ts";

export interface Delegated {
  readonly request: FacilitatorRequest;
  readonly payTo: Hex;
  readonly wallet: SmartWallet;
  readonly context: Hex;
  readonly delegation: Delegation;
}

/** A payment of $0.01 with a delegation of as much, by a new wallet of this owner. */
export async function delegatedPayment(
  world: LocalWorld,
  owner: TestAccount,
  change: Pick<Delegation, "delegate"> & Partial<Delegation>,
  funds = 5n * PRICE,
): Promise<Delegated> {
  const wallet = await world.newSmartWallet(owner.address);
  await world.fundToken(wallet.address, funds);
  const delegation = {
    delegator: wallet.address,
    token: world.token,
    maxAmount: PRICE,
    expiry: BigInt((await world.now()) + 600),
    ...change,
  };
  const context = await signDelegation(owner, delegation);
  const payTo = world.newAccount().address;
  return { request: requestOf(context, wallet.address, payTo), payTo, wallet, context, delegation };
}

export function requestOf(context: Hex, delegator: Hex, payTo: Hex): FacilitatorRequest {
  const { extra: _extra, ...terms } = requirementsOf("$0.01", payTo);
  const paymentRequirements = { ...terms, extra: { assetTransferMethod: "erc7710" } };
  const payload = {
    delegationManager: LOCAL_CONTRACTS.delegationManager,
    permissionContext: context,
    delegator,
  };
  return {
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted: paymentRequirements, payload },
    paymentRequirements,
  };
}

export const withPayload = (request: FacilitatorRequest, change: object): FacilitatorRequest => ({
  ...request,
  paymentPayload: {
    ...request.paymentPayload,
    payload: { ...request.paymentPayload.payload, ...change },
  },
});
