import type { EcdsaSignature } from "../signature.ts";
import type { SchemePayment, Hex } from "../../core/scheme.ts";
import type { Reason } from "../../core/reasons.ts";

/** A permit of EIP-2612 for Permit2, over the amount that the payment permits. */
export interface Permit2612 extends EcdsaSignature {
  readonly deadline: bigint;
}

/** A transaction of the payer's, signed and not sent, that allows Permit2 to move the token. */
export interface Approval {
  readonly raw: Hex;
  readonly hash: Hex;
  /** What was signed, and by what; nothing where that is no signature. */
  readonly digest: Uint8Array;
  readonly signature: EcdsaSignature | undefined;
  readonly data: Hex;
  readonly nonce: number;
  readonly gas: bigint;
  readonly maxFeePerGas: bigint;
}

/** A decoded payment with Permit2: canonical values only. Its `amount` is what is moved. */
export interface Permit2Payment extends SchemePayment {
  readonly method: "permit2";
  readonly chainId: number;
  readonly signature: Hex;
  /** What was signed for: in `exact` the amount, in `upto` the most that it may be. */
  readonly permitted: bigint;
  readonly nonce: bigint;
  readonly deadline: bigint;
  readonly validAfter: bigint;
  /** Gives Permit2 its allowance in the same transaction, if it is not there yet. */
  readonly permit2612?: Permit2612;
  /** To be sent before, if the allowance is not there yet. */
  readonly approval?: Approval;
}

/** What a scheme has of its own when it pays by way of Permit2 and one of x402's proxies. */
export interface Permit2Kind<P extends Permit2Payment = Permit2Payment> {
  /** The proxy, lower case: the spender that the payer signs. */
  readonly proxy: Hex;
  /** Selectors of `settle` and `settleWithPermit`. */
  readonly settle: Hex;
  readonly settleWithPermit: Hex;
  /** keccak256 of the EIP-712 types, 64 hex digits. */
  readonly permitTypeHash: string;
  readonly witnessTypeHash: string;
  /** ABI words of the witness. */
  witnessWords(payment: P): string;
  /** ABI words of the amount to move, between permit and owner; empty where the proxy moves what is permitted. */
  amountWords(payment: P): string;
  /** Gas that a settlement may use at the most, and that is set aside for it in a batch; absent: it goes alone. */
  readonly gasLimit: bigint;
  readonly batchGas?: bigint;
  /** The only one who can send it. */
  sender?(payment: P): Hex;
  readonly reasons: {
    readonly scheme: Reason;
    readonly network: Reason;
    readonly reverted: Reason;
    readonly mismatch: Reason;
    /** The payer is a wallet that is not on the chain yet, and is not made by us. */
    readonly newWallet: Reason;
  };
}
