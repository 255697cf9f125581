/** A local chain, facilitators that settle Permit2 there, and payments for them. */
import { encodeFunctionData, type Address, type Hex } from "viem";
import { x402ExactPermit2ProxyAbi } from "../../contracts-abi/x402-exact-permit2-proxy.ts";
import { createFacilitator, evmChain, type FacilitatorEngine } from "../../facilitator/index.ts";
import type { Step } from "../../facilitator/settlement/options.ts";
import type { FacilitatorRequest } from "../../src/core/messages.ts";
import { exactEvmFacilitator, KNOWN_ASSETS, type EvmAsset } from "../../src/evm/facilitator.ts";
import { memoryLedger, type Ledger } from "../../src/ledger/index.ts";
import { startLocalWorld, type LocalWorld, type TestAccount } from "../../src/testing/index.ts";
import { signedRequest } from "./payments.ts";
import { PLAIN, permit2Payer, plainRequirements } from "./permit2.ts";

export interface SiteOptions {
  readonly chain?: LocalWorld;
  readonly ledger?: Ledger;
  readonly signer?: TestAccount;
  readonly step?: (step: Step) => Promise<void> | void;
  readonly assets?: readonly EvmAsset[];
  readonly now?: () => number;
  readonly settleTimeoutMs?: number;
}

export type Permit = {
  from: Address;
  permitted: { token: Address; amount: string };
  nonce: string;
  deadline: string;
  witness: { to: Address; validAfter: string };
};
export const permitOf = ({ paymentPayload }: FacilitatorRequest) =>
  paymentPayload.payload as unknown as { signature: Hex; permit2Authorization: Permit };

/** Calldata of the proxy, as viem makes it. */
export function settleData(request: FacilitatorRequest): Hex {
  const { signature, permit2Authorization: permit } = permitOf(request);
  const { token, amount } = permit.permitted;
  return encodeFunctionData({
    abi: x402ExactPermit2ProxyAbi,
    functionName: "settle",
    args: [
      {
        permitted: { token, amount: BigInt(amount) },
        nonce: BigInt(permit.nonce),
        deadline: BigInt(permit.deadline),
      },
      permit.from,
      { to: permit.witness.to, validAfter: BigInt(permit.witness.validAfter) },
      signature,
    ],
  });
}

export async function openPermit2Site() {
  const world = await startLocalWorld();
  const facilitators: FacilitatorEngine[] = [];

  async function start({
    ledger = memoryLedger(),
    chain = world,
    signer,
    assets,
    ...options
  }: SiteOptions = {}) {
    const account = signer ?? world.newAccount();
    if (signer === undefined) await world.fundEther(account.address, 10n ** 18n);
    const facilitator = createFacilitator({
      schemes: [exactEvmFacilitator({ assets: [...(assets ?? []), PLAIN, ...KNOWN_ASSETS] })],
      ledger,
      chains: [
        evmChain({
          network: chain.network,
          rpcUrls: [chain.rpcUrl],
          signers: [account.account],
        }),
      ],
      ...options,
    });
    facilitators.push(facilitator);
    const sent = () => world.client.getTransactionCount({ address: account.address });
    return { facilitator, signer: account, sent };
  }

  async function pay(payer?: TestAccount, change = {}, payTo = world.newAccount().address) {
    const from = payer ?? (await permit2Payer(world));
    const request = await signedRequest(from.account, plainRequirements(payTo, change));
    return { payTo, request, payer: from };
  }

  /** Settles it as somebody else who has seen it. */
  async function frontRun(request: FacilitatorRequest): Promise<Hex> {
    const hash = await world.client.sendTransaction({
      account: world.accounts.deployer.account,
      to: world.contracts.exactPermit2Proxy,
      data: settleData(request),
    });
    await world.client.waitForTransactionReceipt({ hash });
    return hash;
  }

  const received = (payTo: Address) => world.balanceOf(payTo, PLAIN.address);

  return {
    world,
    start,
    pay,
    frontRun,
    received,
    async stop() {
      await Promise.all(facilitators.map((each) => each.close(1000)));
      await world.stop();
    },
  };
}
