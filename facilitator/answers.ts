import { getAddress } from "viem";
import type { SettleResponse, VerifyResponse } from "../src/core/messages.ts";
import { REASONS, type Reason } from "../src/core/reasons.ts";
import type { Hex, SchemePayment } from "../src/core/scheme.ts";

export const valid = (payer: Hex): VerifyResponse => ({ isValid: true, payer: getAddress(payer) });

export const invalid = (reason: Reason, payer?: Hex): VerifyResponse => ({
  isValid: false,
  invalidReason: reason,
  invalidMessage: REASONS[reason],
  ...(payer && { payer: getAddress(payer) }),
});

export const settled = (
  network: string,
  payment: SchemePayment,
  transaction: string,
): SettleResponse => ({
  success: true,
  transaction,
  network,
  payer: getAddress(payment.payer),
  amount: payment.amount.toString(),
});

export const failed = (
  network: string,
  reason: Reason,
  payer?: Hex,
  transaction = "",
): SettleResponse => ({
  success: false,
  transaction,
  network,
  errorReason: reason,
  errorMessage: REASONS[reason],
  ...(payer && { payer: getAddress(payer) }),
});
