import { uintWord } from "../../core/hex.ts";
import type { Reason } from "../../core/reasons.ts";
import type { FacilitatorScheme } from "../../core/scheme.ts";
import { isErc6492, parseEcdsa, type recoverAddress } from "../signature.ts";
import { balanceCall, diagnosePermit2, hasSettled, transferTopics } from "./chain.ts";
import type { Permit2Kind, Permit2Payment } from "./kind.ts";
import { permitDigest, permitKey } from "./payload.ts";
import { nonceCall } from "./reads.ts";
import { SPONSORING } from "./sponsoring.ts";
import { settleCall, settles } from "./settlement.ts";

/** All of a facilitator's scheme that does not depend on what its payload may hold. */
export type Permit2Settlement<P extends Permit2Payment> = Omit<
  FacilitatorScheme<P>,
  "scheme" | "family" | "extra" | "check"
>;

/** How payments with Permit2 are settled, in any scheme: through its proxy, by plain accounts (EOAs). */
export function permit2Settlement<P extends Permit2Payment>(
  kind: Permit2Kind<P>,
  recover: typeof recoverAddress,
): Permit2Settlement<P> {
  return {
    extensions: [SPONSORING.eip2612],
    reverted: kind.reasons.reverted,
    paymentKey: ({ chainId, payer, nonce }) => permitKey(chainId, payer, nonce),
    verifySignature: async (payment) => verifySignature(kind, payment, recover),
    simulation(payment) {
      const from = kind.sender?.(payment);
      return { ...settleCall(kind, payment), ...(from && { from }) };
    },
    diagnose: (payment, chain) => diagnosePermit2(kind, payment, chain),
    settlementCall(payment) {
      const sender = kind.sender?.(payment);
      return {
        ...settleCall(kind, payment),
        gasLimit: kind.gasLimit + permitGas(payment),
        ...(kind.batchGas !== undefined && {
          batchGas: kind.batchGas + permitGas(payment),
          batchKind: `permit2:${payment.asset}`,
          batchOnce: payment.payer,
        }),
        ...(sender && { sender }),
      };
    },
    sponsoredGas: permitGas,
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
      by: (call) => settles(kind, payment, call),
    }),
    used: nonceCall,
    balance: (payment) => ({ ...balanceCall(payment), shortage: "permit2_insufficient_balance" }),
  };
}

/** Twice what `permit` needs in USDC, which is the dearest of those that are common. */
const PERMIT_GAS = 120_000n;

const permitGas = ({ permit2612 }: Permit2Payment): bigint =>
  permit2612 === undefined ? 0n : PERMIT_GAS;

function verifySignature<P extends Permit2Payment>(
  kind: Permit2Kind<P>,
  payment: P,
  recover: typeof recoverAddress,
): Reason | undefined {
  if (isErc6492(payment.signature)) return "eip6492_factory_not_allowed";
  const signature = parseEcdsa(payment.signature);
  if (signature === undefined) return "invalid_permit2_signature";
  const signer = recover(permitDigest(kind, payment), signature);
  if (signer !== payment.payer) return "invalid_permit2_signature";
  const { approval } = payment;
  if (approval === undefined) return undefined;
  const approver = approval.signature && recover(approval.digest, approval.signature);
  if (approver === undefined) return "erc20_approval_tx_invalid_signature";
  return approver === payment.payer ? undefined : "erc20_approval_tx_signer_mismatch";
}
