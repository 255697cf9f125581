import { codeOf } from "../core/errors.ts";
import type { SettleResponse } from "../core/messages.ts";
import { REASONS } from "../core/reasons.ts";
import type { PaymentClaim } from "../ledger/claims.ts";
import { didNothing, isForeign, type Facilitators } from "./facilitators.ts";

/** What a facilitator's answer to a settle proves: settled, failed, or nothing (then a code to say so). */
export type SettleOutcome =
  | { readonly receipt: SettleResponse }
  | { readonly failed: SettleResponse }
  | { readonly unknown: string };

/**
 * Reasons of other facilitators that say, like our own, that no money moved (specification v2, section 9, and v1).
 * What is not known here proves nothing: `unexpected_settle_error` may come after the broadcast.
 */
const PEER_REASONS = new Set([
  "insufficient_funds",
  "invalid_scheme",
  "invalid_transaction_state",
  "invalid_exact_evm_payload_signature",
  "invalid_exact_evm_payload_recipient_mismatch",
  "invalid_exact_evm_payload_authorization_value",
  "invalid_exact_evm_payload_authorization_value_too_low",
]);

/** What became of a transaction that was sent, as opposed to what keeps one from being sent; in every scheme. */
const OF_A_TRANSACTION = /^invalid_[a-z0-9_]+_(?:transaction_failed|transfer_event_mismatch)$/;

/**
 * Settles a claimed payment, and believes of the answer what it proves. Another facilitator is asked only while the
 * one before provably did nothing.
 *
 * @param again a facilitator may have been asked before. One that has forgotten it checks the payment anew, and refuses
 * it because it was used, or is too old, or the balance is gone: which proves nothing about the first time.
 * @param remember writes down who is asked, before that one is; false when the claim is lost.
 */
export async function settle(
  facilitators: Facilitators,
  claim: PaymentClaim,
  again: boolean,
  remember: (via: string | undefined) => Promise<boolean>,
): Promise<SettleOutcome> {
  const settlers = facilitators.settlers(claim.body, claim.via);
  let unknown = "facilitator_unavailable";
  let foreign: SettleOutcome | undefined;
  for (const { name, facilitator } of settlers) {
    if (claim.via !== name && settlers.length > 1 && !(await remember(name)))
      return { unknown: "payment_in_flight" };
    try {
      const answer = await facilitator.settle(claim.body, { idempotencyKey: claim.idempotencyKey });
      facilitators.report(name, undefined);
      const outcome = outcomeOf(answer, claim, again);
      if (!("failed" in outcome && isForeign(answer.errorReason))) return outcome;
      foreign = outcome;
    } catch (error) {
      facilitators.report(name, error);
      foreign = undefined;
      unknown = codeOf(error);
      if (!didNothing(error)) return { unknown };
    }
  }
  // None of them did anything: whoever is well next time is asked.
  if (claim.via === undefined && settlers.length > 1) await remember(undefined);
  return foreign ?? { unknown };
}

function outcomeOf(answer: SettleResponse, claim: PaymentClaim, again: boolean): SettleOutcome {
  if (answer.success)
    return isHonest(answer, claim) ? { receipt: answer } : { unknown: "facilitator_malformed" };
  return isProof(answer.errorReason ?? "", again)
    ? { failed: answer }
    : { unknown: "settlement_pending" };
}

/** Whether a reason proves that no money moved, nor will. */
function isProof(reason: string, again: boolean): boolean {
  const known = Object.hasOwn(REASONS, reason) || PEER_REASONS.has(reason);
  if (again) return known && OF_A_TRANSACTION.test(reason);
  return known && reason !== "settlement_pending";
}

/** Whether a receipt is of this payment, as far as it can be told without asking the chain. */
function isHonest(receipt: SettleResponse, { body, payer }: PaymentClaim): boolean {
  const { network, amount } = body.paymentRequirements;
  const samePayer =
    receipt.payer === undefined ||
    payer === undefined ||
    receipt.payer.toLowerCase() === payer.toLowerCase();
  const sameAmount = receipt.amount === undefined || receipt.amount === amount;
  const named = isTransaction(receipt.transaction, network) || amount === "0";
  return receipt.network === network && named && samePayer && sameAmount;
}

function isTransaction(text: string, network: string): boolean {
  return network.startsWith("eip155:") ? /^0x[0-9a-f]{64}$/i.test(text) : text !== "";
}
