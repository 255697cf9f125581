/** Payments with Permit2 on the local chain. */
import { maxUint256 } from "viem";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import type { FacilitatorRequest, PaymentRequirements } from "../../src/core/messages.ts";
import {
  exactEvm,
  rpcReader,
  uptoEvm,
  type EvmAsset,
  type EvmSigner,
  type GasSponsoring,
} from "../../src/evm/index.ts";
import { LOCAL_CONTRACTS, type LocalWorld, type TestAccount } from "../../src/testing/index.ts";

/** The local world's ERC-20 without anything else. */
export const PLAIN: EvmAsset = {
  network: "eip155:84532",
  address: LOCAL_CONTRACTS.plainToken,
  symbol: "PLAIN",
  decimals: 18,
  usd: true,
  transfer: "permit2",
};

/** Requirements of 10,000 atomic units of the plain token. */
export function plainRequirements(
  payTo: string,
  change: Partial<PaymentRequirements> = {},
): PaymentRequirements {
  return {
    scheme: "exact",
    network: PLAIN.network,
    amount: "10000",
    asset: PLAIN.address,
    payTo,
    maxTimeoutSeconds: 300,
    extra: { assetTransferMethod: "permit2" },
    ...change,
  };
}

/** A fresh payer with a million atomic units of a token, and an allowance for Permit2 unless told otherwise. */
export async function permit2Payer(
  world: LocalWorld,
  {
    token = PLAIN.address,
    funds = 1_000_000n,
    allowance = maxUint256,
  }: { token?: `0x${string}`; funds?: bigint; allowance?: bigint } = {},
): Promise<TestAccount> {
  const payer = world.newAccount();
  await world.fundToken(payer.address, funds, token);
  await allowPermit2(world, payer, token, allowance);
  return payer;
}

/** Lets Permit2 move a payer's token. */
export async function allowPermit2(
  world: LocalWorld,
  payer: TestAccount,
  token: `0x${string}` = PLAIN.address,
  amount = maxUint256,
): Promise<void> {
  if (amount === 0n) return;
  await world.fundEther(payer.address, 10n ** 17n);
  const hash = await world.client.writeContract({
    address: token,
    abi: erc20Abi,
    functionName: "approve",
    args: [LOCAL_CONTRACTS.permit2, amount],
    account: payer.account,
  });
  await world.client.waitForTransactionReceipt({ hash });
}

/** A request with a fresh payment in `upto`; `charge` is what is to be settled of it. */
export async function uptoRequest(
  payer: TestAccount,
  requirements: PaymentRequirements,
  charge = requirements.amount,
): Promise<FacilitatorRequest> {
  const payload = await uptoEvm({ account: payer.account }).createPayload(requirements, {
    nowSeconds: Math.floor(Date.now() / 1000),
    lifetimeSeconds: 300,
    x402Version: 2,
  });
  return {
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted: requirements, payload },
    paymentRequirements: { ...requirements, amount: charge },
  };
}

/** Requirements of at most 10,000 atomic units of the plain token. */
export function uptoRequirements(payTo: string, facilitatorAddress: string): PaymentRequirements {
  return plainRequirements(payTo, {
    scheme: "upto",
    extra: { assetTransferMethod: "permit2", facilitatorAddress },
  });
}

/** The local world's ERC-20 with EIP-2612 only. */
export const PERMIT: EvmAsset = {
  ...PLAIN,
  address: LOCAL_CONTRACTS.permitToken,
  symbol: "PERMIT",
  name: "Permit Dollar",
  version: "1",
};

/** Extensions as a server declares them for these ways of sponsoring. */
export function declared(...gasSponsoring: readonly GasSponsoring[]): Record<string, unknown> {
  const offer = plainRequirements(PLAIN.address);
  return { ...exactEvm({ gasSponsoring }).extensions?.(offer) };
}

/**
 * A request as our client makes it for a server that declares sponsoring; `change` is put over what the payment says in
 * the extension.
 */
export async function sponsoredRequest(
  world: LocalWorld,
  payer: { readonly account: EvmSigner },
  requirements: PaymentRequirements,
  {
    way = "eip2612",
    charge = requirements.amount,
    change = {},
  }: { way?: GasSponsoring; charge?: string; change?: Record<string, unknown> } = {},
): Promise<FacilitatorRequest> {
  const options = {
    account: payer.account,
    chain: rpcReader({ [world.network]: world.rpcUrl }),
    assets: [PLAIN, PERMIT],
    signApprovals: true,
  };
  const scheme = requirements.scheme === "upto" ? uptoEvm(options) : exactEvm(options);
  const terms = { nowSeconds: Math.floor(Date.now() / 1000), lifetimeSeconds: 300 };
  const extensions = (await scheme.extend?.(declared(way), requirements, terms)) ?? {};
  const context = { ...terms, x402Version: 2, extensions } as const;
  const payload = await scheme.createPayload(requirements, context);
  const echoed = Object.fromEntries(
    Object.entries(extensions).map(([name, said]) => [
      name,
      { info: { ...(said["info"] as object), ...change } },
    ]),
  );
  return {
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted: requirements, payload, extensions: echoed },
    paymentRequirements: { ...requirements, amount: charge },
  };
}
