import type { PaymentRequirements } from "../../core/messages.ts";
import type { ClientScheme } from "../../core/scheme.ts";
import type { EvmAsset } from "../assets.ts";
import type { PaymentReader } from "../rpc-reader.ts";
import type { EvmSigner } from "../signer.ts";

/** A way to move the token in `exact`, for buyers: `permit2()` is one. */
export interface ExactClientMethod {
  supports(requirements: PaymentRequirements): boolean;
  sign(
    account: EvmSigner,
    requirements: PaymentRequirements,
    options: Parameters<ClientScheme["createPayload"]>[1],
    chain: PaymentReader | undefined,
  ): Promise<Record<string, unknown>>;
  /** What it adds to the extensions that a server declares; absent: nothing. */
  extend?(
    buyer: {
      readonly account: EvmSigner;
      readonly chain?: PaymentReader | undefined;
      readonly asset: EvmAsset | undefined;
      readonly signApprovals?: boolean | undefined;
    },
    ...offer: Parameters<NonNullable<ClientScheme["extend"]>>
  ): ReturnType<NonNullable<ClientScheme["extend"]>>;
  excludes(
    account: EvmSigner,
    ...earlier: Parameters<NonNullable<ClientScheme["excludes"]>>
  ): boolean;
}
