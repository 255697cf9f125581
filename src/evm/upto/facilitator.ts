import { object } from "../../core/schema.ts";
import type { FacilitatorScheme, Hex } from "../../core/scheme.ts";
import { KNOWN_ASSETS, type EvmAsset } from "../assets.ts";
import { address, uint } from "../fields.ts";
import { lifetimeLimit } from "../limits.ts";
import { checkPermit2, type Permit2Rules, type Permit2Witness } from "../permit2/check.ts";
import { permit2Settlement } from "../permit2/facilitator.ts";
import { walletSignatures, type WalletSignatureOptions } from "../wallet-signature.ts";
import { uptoKind, type UptoPayment } from "./kind.ts";

export interface UptoEvmFacilitatorOptions extends Pick<
  WalletSignatureOptions,
  "walletGas" | "recover"
> {
  /** Tokens that may be settled; default: `KNOWN_ASSETS`. */
  readonly assets?: readonly EvmAsset[];
  /** Longest remaining validity of an authorization; default one hour. */
  readonly maxLifetimeSeconds?: number;
}

interface UptoWitness extends Permit2Witness {
  readonly facilitator: Hex;
}

/**
 * `upto` on EVM for a facilitator: payments of accounts and wallets in known tokens, for what was used of them. A payment
 * is bound to one of the facilitator's signers, which settles it. Nothing used: it is settled without a transaction.
 * Wallets have to be on the chain: the proxy is called by the signer itself, so no factory can be called before it.
 *
 * @throws TypeError for a lifetime that is none, and a limit that is not positive.
 */
export function uptoEvmFacilitator(
  options: UptoEvmFacilitatorOptions = {},
): FacilitatorScheme<UptoPayment> {
  const { assets = KNOWN_ASSETS } = options;
  const limits = { assets, maxLifetimeSeconds: lifetimeLimit(options.maxLifetimeSeconds) };
  const signatures = walletSignatures({ ...options, erc6492Factories: [] });
  return {
    scheme: "upto",
    family: "eip155",
    contracts: [uptoKind.proxy],
    /** The reference knows one address; servers of ours may choose among all. */
    extra: (_, signers) => ({
      facilitatorAddress: signers[0],
      ...(signers.length > 1 && { facilitatorAddresses: signers }),
    }),
    check(payload, requirements, nowSeconds, context = { signers: [], settling: false }) {
      const rules: Permit2Rules<UptoWitness, UptoPayment> = {
        kind: uptoKind,
        witness: object({ to: address, facilitator: address, validAfter: uint }),
        checkWitness: ({ facilitator }) =>
          context.signers.includes(facilitator) ? undefined : "upto_facilitator_mismatch",
        checkAmount(required, permitted) {
          if (!context.settling)
            return required === permitted ? undefined : "permit2_amount_mismatch";
          return required <= permitted
            ? undefined
            : "invalid_upto_evm_payload_settlement_exceeds_amount";
        },
        payment: (common, { facilitator }) => ({ ...common, facilitator }),
      };
      return checkPermit2(rules, payload, requirements, nowSeconds, limits, context);
    },
    isFree: ({ amount }) => amount === 0n,
    ...permit2Settlement(uptoKind, signatures),
  };
}
