import type { PaymentRequirements } from "../../core/messages.ts";
import type { ClientScheme } from "../../core/scheme.ts";
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
  excludes(
    account: EvmSigner,
    ...earlier: Parameters<NonNullable<ClientScheme["excludes"]>>
  ): boolean;
}
