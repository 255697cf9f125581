import { X402_UPTO_PERMIT2_PROXY_ADDRESS } from "../../../contracts-abi/x402-upto-permit2-proxy.ts";
import { hexWord, uintWord } from "../../core/hex.ts";
import type { Hex } from "../../core/scheme.ts";
import type { Permit2Kind, Permit2Payment } from "../permit2/kind.ts";

/** A payment of at most what was signed, which one signer of a facilitator can settle. */
export interface UptoPayment extends Permit2Payment {
  readonly facilitator: Hex;
}

/** `upto` (scheme_upto_evm): the proxy sends a part of what is permitted, when `witness.facilitator` says so. */
export const uptoKind: Permit2Kind<UptoPayment> = {
  proxy: X402_UPTO_PERMIT2_PROXY_ADDRESS.toLowerCase() as Hex,
  settle: "0xff11e7b4",
  settleWithPermit: "0x016c1748",
  permitTypeHash: "51dff6974ad4388c499e7fcfe838d2bd767162553a144098ce20ea661d70c2ee",
  witnessTypeHash: "d4171c445a74218b01d4fd8af34ff1106580ea1e36ff837e64484bfaa2253b75",
  witnessWords: ({ payTo, facilitator, validAfter }) =>
    hexWord(payTo) + hexWord(facilitator) + uintWord(validAfter),
  amountWords: ({ amount }) => uintWord(amount),
  gasLimit: 250_000n,
  // Not in a batch: there the proxy is called by Multicall3.
  sender: ({ facilitator }) => facilitator,
  reasons: {
    scheme: "invalid_upto_evm_scheme",
    network: "invalid_upto_evm_network_mismatch",
    reverted: "invalid_upto_evm_transaction_failed",
    mismatch: "invalid_upto_evm_transaction_failed",
    newWallet: "upto_wallet_not_deployed",
  },
};
