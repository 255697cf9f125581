import type { SettleResponse } from "../core/messages.ts";
import { getPaymentReceipt } from "./receipt.ts";
import type { Spend } from "./spend-store.ts";

/** The receipt of an answer; null for one that cannot be read, which must not lose the answer. */
export function readReceipt(response: Response): SettleResponse | null | undefined {
  try {
    return getPaymentReceipt(response);
  } catch {
    return null;
  }
}

/** The field in which a receipt contradicts what was signed, if there is one. */
export function receiptMismatch(
  { success, network, payer, amount, transaction }: SettleResponse,
  spend: Spend,
): string | undefined {
  if (!success) return "success";
  if (network !== spend.network && spend.x402Version !== 1) return "network";
  if (payer && spend.payer && payer.toLowerCase() !== spend.payer.toLowerCase()) return "payer";
  if (amount !== undefined && (!/^\d+$/.test(amount) || BigInt(amount) > BigInt(spend.amount)))
    return "amount";
  return transaction === "" && amount !== "0" ? "transaction" : undefined;
}
