import { object } from "../../core/schema.ts";
import type { FacilitatorScheme, Hex } from "../../core/scheme.ts";
import { KNOWN_ASSETS, type EvmAsset } from "../assets.ts";
import { address, uint } from "../fields.ts";
import { lifetimeLimit } from "../limits.ts";
import { checkPermit2, type Permit2Rules, type Permit2Witness } from "../permit2/check.ts";
import { permit2Settlement } from "../permit2/facilitator.ts";
import { recoverAddress } from "../signature.ts";
import { uptoKind, type UptoPayment } from "./kind.ts";

export interface UptoEvmFacilitatorOptions {
  /** Tokens that may be settled; default: `KNOWN_ASSETS`. */
  readonly assets?: readonly EvmAsset[];
  /** Recovers the signer of a digest; default: `recoverAddress`, in plain JavaScript. */
  readonly recover?: typeof recoverAddress;
  /** Longest remaining validity of an authorization; default one hour. */
  readonly maxLifetimeSeconds?: number;
}

interface UptoWitness extends Permit2Witness {
  readonly facilitator: Hex;
}

/**
 * `upto` on EVM for a facilitator: payments of plain accounts (EOAs) in known tokens, for what was used of them. A payment
 * is bound to one of the facilitator's signers, which settles it. Nothing used: it is settled without a transaction.
 *
 * @throws TypeError for a lifetime that is none.
 */
export function uptoEvmFacilitator(
  options: UptoEvmFacilitatorOptions = {},
): FacilitatorScheme<UptoPayment> {
  const { assets = KNOWN_ASSETS, recover = recoverAddress } = options;
  const limits = { assets, maxLifetimeSeconds: lifetimeLimit(options.maxLifetimeSeconds) };
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
    ...permit2Settlement(uptoKind, recover),
  };
}
