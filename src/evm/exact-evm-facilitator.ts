import type { FacilitatorScheme } from "../core/scheme.ts";
import { KNOWN_ASSETS, type EvmAsset } from "./assets.ts";
import { erc7710Method, type Erc7710Options } from "./exact/erc7710.ts";
import type { Erc7710Payment } from "./exact/erc7710-payload.ts";
import { eip3009Method } from "./exact/facilitator.ts";
import type { Eip3009Payment } from "./exact/payload.ts";
import type { ExactMethod } from "./exact/method.ts";
import { permit2Method } from "./exact/permit2.ts";
import { lifetimeLimit } from "./limits.ts";
import type { Permit2Payment } from "./permit2/kind.ts";
import { walletSignatures, type WalletSignatureOptions } from "./wallet-signature.ts";

export interface ExactEvmFacilitatorOptions extends WalletSignatureOptions, Erc7710Options {
  /** Tokens that may be settled; default: `KNOWN_ASSETS`. */
  readonly assets?: readonly EvmAsset[];
  /** Longest remaining validity of an authorization; default one hour. */
  readonly maxLifetimeSeconds?: number;
}

/** A payment in `exact`, by the method that moves it. */
export type ExactPayment = Eip3009Payment | Permit2Payment | Erc7710Payment;

/**
 * `exact` on EVM for a facilitator: payments of accounts and wallets in known tokens, with EIP-3009, Permit2 or ERC-7710.
 * What a payload holds tells its method.
 *
 * @throws TypeError for a lifetime that is none, for factories and managers that are none, and for limits that are not positive.
 */
export function exactEvmFacilitator(
  options: ExactEvmFacilitatorOptions = {},
): FacilitatorScheme<ExactPayment> {
  const settings = {
    assets: options.assets ?? KNOWN_ASSETS,
    signatures: walletSignatures(options),
    maxLifetimeSeconds: lifetimeLimit(options.maxLifetimeSeconds),
  };
  const eip3009 = eip3009Method(settings);
  const permit2 = permit2Method(settings);
  const erc7710 = erc7710Method({ ...options, assets: settings.assets });
  const methods: Readonly<Record<ExactPayment["method"], ExactMethod<ExactPayment>>> = {
    eip3009,
    permit2,
    erc7710,
  };
  const of = ({ method }: ExactPayment) => methods[method];
  return {
    scheme: "exact",
    family: "eip155",
    ...(permit2.extensions && { extensions: permit2.extensions }),
    reverted: "invalid_exact_evm_transaction_failed",
    check(payload, ...rest) {
      const method = [erc7710, permit2].find((each) => each.reads(payload.payload)) ?? eip3009;
      return method.check(payload, ...rest);
    },
    paymentKey: (payment) => of(payment).paymentKey(payment),
    verifySignature: (payment, chain) => of(payment).verifySignature(payment, chain),
    authorize: async (payment, ...rest) => await of(payment).authorize?.(payment, ...rest),
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
