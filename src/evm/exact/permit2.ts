/** `exact` with Permit2 (scheme_exact_evm, section 2): the proxy sends all that is permitted to `witness.to`. */
import { X402_EXACT_PERMIT2_PROXY_ADDRESS } from "../../../contracts-abi/x402-exact-permit2-proxy.ts";
import { hexWord, uintWord } from "../../core/hex.ts";
import { object } from "../../core/schema.ts";
import type { Hex } from "../../core/scheme.ts";
import { address, uint } from "../fields.ts";
import { checkPermit2, type Permit2Rules, type Permit2Witness } from "../permit2/check.ts";
import type { Permit2Kind, Permit2Payment } from "../permit2/kind.ts";
import { permit2Settlement } from "../permit2/facilitator.ts";
import type { ExactMethod, ExactMethodOptions } from "./method.ts";

/** Settled with a token of the cost of USDC: 110,000, or 150,000 where nonce word and payee are new. */
export const exactPermit2Kind: Permit2Kind = {
  proxy: X402_EXACT_PERMIT2_PROXY_ADDRESS.toLowerCase() as Hex,
  settle: "0x13cd3b53",
  settleWithPermit: "0xfa340378",
  permitTypeHash: "ebc156cd23678a74c94df13d772ef5478420637f0c94bd10d509e1dc98f521c7",
  witnessTypeHash: "d97b3239a7f32295517bd14cb074edfdd188dfe5eb42f802bb26d4fd1eb12c37",
  witnessWords: ({ payTo, validAfter }) => hexWord(payTo) + uintWord(validAfter),
  amountWords: () => "",
  gasLimit: 250_000n,
  batchGas: 190_000n,
  reasons: {
    scheme: "invalid_exact_evm_scheme",
    network: "invalid_exact_evm_network_mismatch",
    reverted: "invalid_exact_evm_transaction_failed",
    mismatch: "invalid_exact_evm_transfer_event_mismatch",
    newWallet: "eip6492_factory_not_allowed",
  },
};

const rules: Permit2Rules<Permit2Witness, Permit2Payment> = {
  kind: exactPermit2Kind,
  witness: object({ to: address, validAfter: uint }),
  checkAmount: (required, permitted) =>
    required === permitted ? undefined : "permit2_amount_mismatch",
  payment: (common) => common,
};

/** Payments in any ERC-20 that is listed. */
export function permit2Method(options: ExactMethodOptions): ExactMethod<Permit2Payment> {
  return {
    reads: (payload) => payload["permit2Authorization"] != null,
    check: (payload, requirements, nowSeconds, context) =>
      checkPermit2(rules, payload, requirements, nowSeconds, options, context),
    ...permit2Settlement(exactPermit2Kind, options.signatures),
  };
}
