/** What buyers and facilitators ask Permit2 and the token. Selectors: a test compares with `contracts-abi`. */
import { PERMIT2_ADDRESS } from "../../../contracts-abi/permit2.ts";
import { hexWord, uintWord } from "../../core/hex.ts";
import type { Call, Hex, StateCall } from "../../core/scheme.ts";

const NONCE_BITMAP = "0x4fe02b44";
const ALLOWANCE = "0xdd62ed3e";

/** Whether a nonce is used: bit `nonce & 0xff` of `nonceBitmap(owner, nonce >> 8)`. */
export function nonceCall({ payer, nonce }: { payer: Hex; nonce: bigint }): StateCall {
  const data: Hex = `${NONCE_BITMAP}${hexWord(payer)}${uintWord(nonce >> 8n)}`;
  return { to: PERMIT2_ADDRESS, data, mask: 1n << (nonce & 255n) };
}

/** How much Permit2 may move of an owner's token. */
export function allowanceCall(token: Hex, owner: Hex): Call {
  return { to: token, data: `${ALLOWANCE}${hexWord(owner)}${hexWord(PERMIT2_ADDRESS)}` };
}
