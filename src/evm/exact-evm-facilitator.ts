import type { FacilitatorScheme } from "../core/scheme.ts";
import { KNOWN_ASSETS, type EvmAsset } from "./assets.ts";
import { eip3009Method } from "./exact/facilitator.ts";
import type { Eip3009Payment } from "./exact/payload.ts";
import type { ExactMethod } from "./exact/method.ts";
import { permit2Method } from "./exact/permit2.ts";
import { lifetimeLimit } from "./limits.ts";
import type { Permit2Payment } from "./permit2/kind.ts";
import { recoverAddress } from "./signature.ts";

export interface ExactEvmFacilitatorOptions {
  /** Tokens that may be settled; default: `KNOWN_ASSETS`. */
  readonly assets?: readonly EvmAsset[];
  /** Recovers the signer of a digest; default: `recoverAddress`, in plain JavaScript. */
  readonly recover?: typeof recoverAddress;
  /** Longest remaining validity of an authorization; default one hour. */
  readonly maxLifetimeSeconds?: number;
}

/** A payment in `exact`, by the method that moves it. */
export type ExactPayment = Eip3009Payment | Permit2Payment;

/**
 * `exact` on EVM for a facilitator: payments of plain accounts (EOAs) in known tokens, with EIP-3009 or Permit2. What a
 * payload holds tells its method.
 *
 * @throws TypeError for a lifetime that is none.
 */
export function exactEvmFacilitator(
  options: ExactEvmFacilitatorOptions = {},
): FacilitatorScheme<ExactPayment> {
  const settings = {
    assets: options.assets ?? KNOWN_ASSETS,
    recover: options.recover ?? recoverAddress,
    maxLifetimeSeconds: lifetimeLimit(options.maxLifetimeSeconds),
  };
  const eip3009 = eip3009Method(settings);
  const permit2 = permit2Method(settings);
  const methods: Readonly<Record<ExactPayment["method"], ExactMethod<ExactPayment>>> = {
    eip3009,
    permit2,
  };
  const of = ({ method }: ExactPayment) => methods[method];
  return {
    scheme: "exact",
    family: "eip155",
    ...(permit2.extensions && { extensions: permit2.extensions }),
    reverted: "invalid_exact_evm_transaction_failed",
    check(payload, ...rest) {
      const method = permit2.reads(payload.payload) ? permit2 : eip3009;
      return method.check(payload, ...rest);
    },
    paymentKey: (payment) => of(payment).paymentKey(payment),
    verifySignature: (payment, chain) => of(payment).verifySignature(payment, chain),
    simulation: (payment) => of(payment).simulation(payment),
    diagnose: (payment, chain) => of(payment).diagnose(payment, chain),
    settlementCall: (payment) => of(payment).settlementCall(payment),
    sponsoredGas: (payment) => of(payment).sponsoredGas?.(payment) ?? 0n,
    payerTransaction: (payment) => of(payment).payerTransaction?.(payment),
    outcome: (payment, logs) => of(payment).outcome(payment, logs),
    usage: (payment) => of(payment).usage(payment),
    used: (payment) => of(payment).used(payment),
    balance: (payment) => of(payment).balance(payment),
  };
}
