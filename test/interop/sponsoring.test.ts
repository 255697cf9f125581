/** Gas sponsoring with the official packages: their client pays our paywall, and their declaration reads like ours. */
import { ExactEvmScheme } from "@x402/evm/exact/client";
import { ExactEvmScheme as ExactFacilitator } from "@x402/evm/exact/facilitator";
import { UptoEvmScheme } from "@x402/evm/upto/client";
import type { PaymentPayload } from "@x402/core/types";
import { declareEip2612GasSponsoringExtension } from "@x402/extensions";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFacilitator, evmChain, type FacilitatorEngine } from "../../facilitator/index.ts";
import type { FacilitatorRequest } from "../../src/core/messages.ts";
import { exactEvmFacilitator, uptoEvmFacilitator } from "../../src/evm/facilitator.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import { startLocalWorld, type LocalWorld } from "../../src/testing/index.ts";
import {
  declared,
  PERMIT,
  permit2Payer,
  plainRequirements,
  sponsoredRequest,
} from "../setup/permit2.ts";
import { officialSigner } from "./official-facilitator.ts";

const EIP2612 = "eip2612GasSponsoring";
let world: LocalWorld;
let facilitator: FacilitatorEngine;
beforeAll(async () => {
  world = await startLocalWorld();
  const assets = [PERMIT];
  facilitator = createFacilitator({
    schemes: [exactEvmFacilitator({ assets }), uptoEvmFacilitator({ assets })],
    ledger: memoryLedger(),
    chains: [
      evmChain({
        network: world.network,
        rpcUrls: [world.rpcUrl],
        signers: [world.accounts.facilitator.account],
      }),
    ],
    sponsoring: { perPayerPerDay: 10n ** 18n, perDay: 10n ** 19n },
  });
});
afterAll(async () => {
  await facilitator?.close(1000);
  await world?.stop();
});

const newPayer = () => permit2Payer(world, { token: PERMIT.address, allowance: 0n });
const requirementsOf = (scheme: string, payTo: string) =>
  plainRequirements(payTo, {
    scheme,
    asset: PERMIT.address,
    extra: {
      name: PERMIT.name,
      version: PERMIT.version,
      assetTransferMethod: "permit2",
      facilitatorAddress: world.accounts.facilitator.address,
    },
  });

it("is declared with the fields of the official declaration", () => {
  const theirs = declareEip2612GasSponsoringExtension() as Record<string, Declared>;
  const ours = declared("eip2612") as Record<string, Declared>;
  expect(Object.keys(ours)).toEqual(Object.keys(theirs));
  expect(ours[EIP2612]!.schema.required).toEqual(theirs[EIP2612]!.schema.required);
  expect(ours[EIP2612]!.info).toMatchObject({ version: "1" });
});
type Declared = { info: object; schema: { required: string[] } };

describe.each(["exact", "upto"])("%s", (scheme) => {
  it("the official client signs for what we declare, and our facilitator settles it", async () => {
    const [payer, payee] = [await newPayer(), world.newAccount()];
    const signer = {
      ...payer.account,
      readContract: (args: Parameters<typeof world.client.readContract>[0]) =>
        world.client.readContract(args),
    };
    const Scheme = scheme === "exact" ? ExactEvmScheme : UptoEvmScheme;
    const requirements = requirementsOf(scheme, payee.address);
    const extensions = declared("eip2612");
    const made = await new Scheme(signer).createPaymentPayload(2, requirements as never, {
      extensions,
    });
    const paymentPayload = {
      ...made,
      accepted: requirements,
    } as FacilitatorRequest["paymentPayload"];
    const request = {
      x402Version: 2,
      paymentPayload,
      paymentRequirements: requirements,
    } as const;
    expect(await facilitator.verify(request)).toMatchObject({ isValid: true });
    expect(await facilitator.settle(request)).toMatchObject({ success: true });
    expect(await world.balanceOf(payee.address, PERMIT.address)).toBe(10_000n);
  });
});

it("the official facilitator takes what our client signs", async () => {
  const [payer, payee] = [await newPayer(), world.newAccount()];
  const requirements = requirementsOf("exact", payee.address);
  const { paymentPayload } = await sponsoredRequest(world, payer, requirements);
  const theirs = new ExactFacilitator(officialSigner(world));
  const paid = paymentPayload as unknown as PaymentPayload;
  const asked = requirements as Parameters<typeof theirs.settle>[1];
  expect(await theirs.verify(paid, asked)).toMatchObject({ isValid: true });
  expect(await theirs.settle(paid, asked)).toMatchObject({ success: true });
  expect(await world.balanceOf(payee.address, PERMIT.address)).toBe(10_000n);
});
