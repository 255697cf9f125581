import { uintWord } from "../../core/hex.ts";
import type { Call, FacilitatorScheme, SettlementCall } from "../../core/scheme.ts";
import type { WalletSignatures } from "../wallet-signature.ts";
import { balanceCall, diagnosePermit2, hasSettled, transferTopics } from "./chain.ts";
import type { Permit2Kind, Permit2Payment } from "./kind.ts";
import { permitDigest, permitKey } from "./payload.ts";
import { nonceCall } from "./reads.ts";
import { settleCall, settles } from "./settlement.ts";

/** All of a facilitator's scheme that does not depend on what its payload may hold. */
export type Permit2Settlement<P extends Permit2Payment> = Omit<
  FacilitatorScheme<P>,
  "scheme" | "family" | "extra" | "check"
>;

/** How payments with Permit2 are settled, in any scheme: through its proxy, by accounts and wallets. */
export function permit2Settlement<P extends Permit2Payment>(
  kind: Permit2Kind<P>,
  signatures: WalletSignatures,
): Permit2Settlement<P> {
  function settlementCall(payment: P): SettlementCall {
    const form = signatures.form(payment, () => permitDigest(kind, payment));
    const call = signatures.settlement(payment, form, settleCall(kind, payment, form), kind);
    const sender = kind.sender?.(payment);
    return {
      ...call,
      ...(call.batchGas !== undefined && {
        batchKind: `permit2:${payment.asset}`,
        batchOnce: payment.payer,
      }),
      ...(sender && { sender }),
    };
  }
  return {
    reverted: kind.reasons.reverted,
    paymentKey: ({ chainId, payer, nonce }) => permitKey(chainId, payer, nonce),
    async verifySignature(payment, chain) {
      const problem = await signatures.verify(payment, permitDigest(kind, payment), chain);
      if (problem === undefined) return undefined;
      return problem === "invalid" ? "invalid_permit2_signature" : kind.reasons.newWallet;
    },
    simulation(payment) {
      const { to, data, sender } = settlementCall(payment);
      return { to, data, ...(sender && { from: sender }) };
    },
    diagnose: (payment, chain) => diagnosePermit2(kind, payment, settlementCall(payment), chain),
    settlementCall,
    outcome: (payment, logs) =>
      hasSettled(kind, payment, logs) ? "settled" : kind.reasons.mismatch,
    usage: (payment) => ({
      address: payment.asset,
      topics: transferTopics(payment),
      data: `0x${uintWord(payment.amount)}`,
      by: (call) => settles(kind, payment, call) || isSame(call, settlementCall(payment)),
    }),
    used: nonceCall,
    balance: (payment) => ({ ...balanceCall(payment), shortage: "permit2_insufficient_balance" }),
  };
}

/** Ours to the byte: then what may fail in it is the making of the wallet, and never the settlement. */
const isSame = (call: Call, own: Call): boolean =>
  call.to.toLowerCase() === own.to.toLowerCase() &&
  call.data.toLowerCase() === own.data.toLowerCase();
