import type { Reason } from "./reasons.ts";
import type { Call, Hex } from "./scheme.ts";

/** A transaction of the payer's own account, signed and not sent, without which its payment cannot be settled. */
export interface PayerTransaction {
  readonly raw: Hex;
  readonly hash: Hex;
  readonly nonce: number;
  readonly gas: bigint;
  /** Wei per gas. */
  readonly maxFeePerGas: bigint;
  /** What it calls. */
  readonly call: Call;
  /** Why the payment is refused as long as nobody has sent it, */
  readonly missing: Reason;
  /** when it cannot be mined, or was mined and failed, */
  readonly failed: Reason;
  /** and when the payer cannot pay its gas. */
  readonly unfunded: Reason;
}
