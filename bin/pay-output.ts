/** What `farthing pay` shows of an answer. */
import { isAtomicAmount } from "../src/core/amount.ts";
import type { SettleResponse } from "../src/core/messages.ts";
import { priceOf, type Story } from "./pay-events.ts";
import { escaped, escapedLines, note } from "./text.ts";

/** As it came; on a terminal, only what cannot do anything to it. */
export function printBody(body: Uint8Array): void {
  if (!process.stdout.isTTY) {
    process.stdout.write(body);
    return;
  }
  const text = new TextDecoder().decode(body);
  const shown = escapedLines(text);
  process.stdout.write(shown);
  if (shown !== text)
    note("\nfarthing: what is no plain ASCII is escaped; -o writes the body as it is");
}

/** The receipt in one line on standard error. */
export function reportReceipt(
  receipt: SettleResponse | undefined,
  { payment }: Story,
  isJson: boolean,
): void {
  if (payment === undefined || isJson) return;
  // In `upto` less may be charged than was signed.
  const charged = receipt?.success === true ? receipt.amount : undefined;
  const isSaid = charged !== undefined && isAtomicAmount(charged);
  const price = priceOf(isSaid ? { ...payment, amount: charged } : payment);
  const payee = escaped(payment.payTo);
  if (receipt?.success)
    note(`\nPaid ${price} to ${payee}: transaction ${escaped(receipt.transaction)}`);
  else if (receipt !== undefined)
    note(`\nNot paid: ${escaped(receipt.errorReason ?? "no reason given")}`);
  else
    note(
      `\nSigned ${price} to ${payee}, and the answer has no receipt: it is counted as paid until farthing wallet reconcile`,
    );
}

/** The body as text, if it is one. */
export function textOf(body: Uint8Array): { body: string; encoding: "utf-8" | "base64" } {
  try {
    return {
      body: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body),
      encoding: "utf-8",
    };
  } catch {
    return { body: Buffer.from(body).toString("base64"), encoding: "base64" };
  }
}
