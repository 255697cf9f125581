import { PERMIT2_ADDRESS } from "../../../contracts-abi/permit2.ts";
import { MAX_UINT256 } from "../../core/amount.ts";
import { hexWord, uintWord } from "../../core/hex.ts";
import type { Call } from "../../core/scheme.ts";
import { checksumAddress, parseAddress } from "../address.ts";

/** Selector of `approve(address,uint256)`. */
const APPROVE = "0x095ea7b3";

export interface Permit2ApprovalOptions {
  /** The token that is to be paid with. */
  readonly token: string;
  /** The most that Permit2 may move of it, atomic units; default: any amount. It moves only what is signed for. */
  readonly amount?: bigint;
}

/**
 * The transaction that lets Permit2 move a token, to be sent once by whoever pays with it:
 * `wallet.sendTransaction(permit2Approval({ token }))`.
 *
 * @throws TypeError for a token that is no address, and for an amount that is none.
 */
export function permit2Approval({ token, amount = MAX_UINT256 }: Permit2ApprovalOptions): Call {
  const canonical = parseAddress(token);
  if (canonical === undefined)
    throw new TypeError(`token "${token}" is not an address, or its checksum is wrong`);
  if (amount < 0n || amount > MAX_UINT256) throw new TypeError("amount does not fit a uint256");
  return {
    to: checksumAddress(canonical),
    data: `${APPROVE}${hexWord(PERMIT2_ADDRESS)}${uintWord(amount)}`,
  };
}
