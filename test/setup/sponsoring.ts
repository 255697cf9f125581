/** A facilitator that sponsors, and payments that need it. */
import type { Address, Hex } from "viem";
import {
  createFacilitator,
  evmChain,
  type FacilitatorEngine,
  type SponsoringOptions,
} from "../../facilitator/index.ts";
import type { Step } from "../../facilitator/settlement/options.ts";
import type { FacilitatorRequest, PaymentRequirements } from "../../src/core/messages.ts";
import { exactEvmFacilitator, uptoEvmFacilitator } from "../../src/evm/facilitator.ts";
import { memoryLedger, type Ledger } from "../../src/ledger/index.ts";
import type { LocalWorld, TestAccount } from "../../src/testing/index.ts";
import { PERMIT, PLAIN, permit2Payer, plainRequirements, sponsoredRequest } from "./permit2.ts";

/** Where a token may be that does what a test says. */
export const SILENT: Address = "0x5111e00000000000000000000000000000000001";
export const EIP2612 = "eip2612GasSponsoring";
const AMPLE: SponsoringOptions = { perPayerPerDay: 10n ** 18n, perDay: 10n ** 19n };

type Info = { from: Address; amount: string; deadline: string; signature: Hex };
/** What a request says for the extension. */
export const infoOf = ({ paymentPayload }: FacilitatorRequest): Info =>
  (paymentPayload.extensions as Record<string, { info: Info }>)[EIP2612]!.info;

export interface DeskOptions {
  readonly sponsoring?: SponsoringOptions | undefined;
  readonly ledger?: Ledger;
  readonly signer?: TestAccount;
  readonly now?: () => number;
  readonly settleTimeoutMs?: number;
  readonly step?: (step: Step) => Promise<void> | void;
}

export function sponsoringDesk(world: LocalWorld) {
  const facilitators: FacilitatorEngine[] = [];
  async function start({ ledger = memoryLedger(), signer, ...options }: DeskOptions = {}) {
    const account = signer ?? world.newAccount();
    if (signer === undefined) await world.fundEther(account.address, 10n ** 18n);
    const { sponsoring = AMPLE } = options;
    const off = "sponsoring" in options && options.sponsoring === undefined;
    const assets = [PLAIN, PERMIT, { ...PLAIN, address: SILENT }];
    const facilitator = createFacilitator({
      schemes: [exactEvmFacilitator({ assets }), uptoEvmFacilitator({ assets })],
      ledger,
      chains: [
        evmChain({
          network: world.network,
          rpcUrls: [world.rpcUrl],
          signers: [account.account],
        }),
      ],
      ...(options.now && { now: options.now }),
      ...(options.step && { step: options.step }),
      ...(options.settleTimeoutMs && { settleTimeoutMs: options.settleTimeoutMs }),
      ...(!off && { sponsoring }),
    });
    facilitators.push(facilitator);
    const sent = () => world.client.getTransactionCount({ address: account.address });
    return { facilitator, signer: account, sent };
  }

  const newPayer = () => permit2Payer(world, { token: PERMIT.address, allowance: 0n });
  const requirementsOf = (payTo: Address, facilitator?: Address): PaymentRequirements =>
    plainRequirements(payTo, {
      asset: PERMIT.address,
      ...(facilitator && {
        scheme: "upto",
        extra: { assetTransferMethod: "permit2", facilitatorAddress: facilitator },
      }),
    });

  async function pay(
    options: Parameters<typeof sponsoredRequest>[3] & { payer?: TestAccount; upto?: Address } = {},
  ) {
    const payer = options.payer ?? (await newPayer());
    const payTo = world.newAccount().address;
    const requirements = requirementsOf(payTo, options.upto);
    const request = await sponsoredRequest(world, payer, requirements, options);
    return { payer, payTo, request };
  }

  const received = (payTo: Address) => world.balanceOf(payTo, PERMIT.address);
  const close = () => Promise.all(facilitators.map((each) => each.close(1000)));
  return { start, pay, requirementsOf, received, close };
}
