import type { FacilitatorScheme, SchemePayment } from "../../core/scheme.ts";
import type { EvmAsset } from "../assets.ts";
import type { WalletSignatures } from "../wallet-signature.ts";

/** A way to move the token in `exact`: all of a facilitator's scheme but its name, for payloads of one form. */
export interface ExactMethod<P extends SchemePayment> extends Omit<
  FacilitatorScheme<P>,
  "scheme" | "family" | "extra"
> {
  /** Whether a payload is of this method, whatever else is wrong with it. */
  reads(payload: Readonly<Record<string, unknown>>): boolean;
}

export interface ExactMethodOptions {
  /** Tokens that may be settled. */
  readonly assets: readonly EvmAsset[];
  readonly signatures: WalletSignatures;
  readonly maxLifetimeSeconds: number;
}
