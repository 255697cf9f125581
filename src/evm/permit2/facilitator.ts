import { uintWord } from "../../core/hex.ts";
import type { Reason } from "../../core/reasons.ts";
import type { Call, FacilitatorScheme, SettlementCall } from "../../core/scheme.ts";
import type { SignatureForm, WalletSignatures } from "../wallet-signature.ts";
import { balanceCall, diagnosePermit2, hasSettled, transferTopics } from "./chain.ts";
import type { Permit2Kind, Permit2Payment } from "./kind.ts";
import { permitDigest, permitKey } from "./payload.ts";
import { nonceCall } from "./reads.ts";
import { SPONSORING } from "./sponsoring.ts";
import { settleCall, settles, usedPermit } from "./settlement.ts";

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
  const formOf = (payment: P): SignatureForm =>
    signatures.form(payment, () => permitDigest(kind, payment));

  function settlementCall(payment: P): SettlementCall {
    const form = formOf(payment);
    const extra = permitGas(payment, form);
    const call = signatures.settlement(payment, form, settleCall(kind, payment, form), {
      gasLimit: kind.gasLimit + extra,
      ...(kind.batchGas !== undefined && { batchGas: kind.batchGas + extra }),
    });
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
    extensions: [SPONSORING.eip2612],
    reverted: kind.reasons.reverted,
    paymentKey: ({ chainId, payer, nonce }) => permitKey(chainId, payer, nonce),
    async verifySignature(payment, chain) {
      const problem = await signatures.verify(payment, permitDigest(kind, payment), chain);
      if (problem === undefined) return checkApprover(payment, signatures.recover);
      return problem === "invalid" ? "invalid_permit2_signature" : kind.reasons.newWallet;
    },
    simulation(payment) {
      const { to, data, sender } = settlementCall(payment);
      return { to, data, ...(sender && { from: sender }) };
    },
    diagnose: (payment, chain) => diagnosePermit2(kind, payment, settlementCall(payment), chain),
    settlementCall,
    sponsoredGas: (payment) => permitGas(payment, formOf(payment)),
    payerTransaction: ({ approval, asset }) =>
      approval && {
        ...approval,
        call: { to: asset, data: approval.data },
        missing: "permit2_allowance_required",
        failed: "erc20_approval_tx_failed",
        unfunded: "erc20_approval_not_funded",
      },
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

/** Twice what `permit` needs in USDC, which is the dearest of those that are common. */
const PERMIT_GAS = 120_000n;

const permitGas = (payment: Permit2Payment, form: SignatureForm): bigint =>
  usedPermit(payment, form) === undefined ? 0n : PERMIT_GAS;

/** What is wrong with the signature of the approval that a payment brings along, if it does. */
function checkApprover(
  { payer, approval }: Permit2Payment,
  recover: WalletSignatures["recover"],
): Reason | undefined {
  if (approval === undefined) return undefined;
  const approver = approval.signature && recover(approval.digest, approval.signature);
  if (approver === undefined) return "erc20_approval_tx_invalid_signature";
  return approver === payer ? undefined : "erc20_approval_tx_signer_mismatch";
}

/** Ours to the byte: then what may fail in it is the making of the wallet, and never the settlement. */
const isSame = (call: Call, own: Call): boolean =>
  call.to.toLowerCase() === own.to.toLowerCase() &&
  call.data.toLowerCase() === own.data.toLowerCase();
