/** What a buyer is told about a payment that did not open the page. */
import { REASONS } from "../../core/reasons.ts";
import type { TextKey } from "../text.ts";
import type { Outcome } from "./present.ts";

export interface Telling {
  readonly title: TextKey;
  readonly key: TextKey;
  readonly blanks: Readonly<Record<string, string | number>>;
  /**
   * What can be done: sign anew, see the new terms, or present the same payment again. After `pay-anew` too the payment
   * is forgotten, but a new one is no matter of course.
   */
  readonly next: "try-again" | "reload" | "ask-again" | "pay-anew";
}

/** Reasons by what the buyer can do about them; peers' spellings too. */
const POOR = /insufficient/;
const TIME = /valid_before|valid_after|lifetime|expired/;

export function tell(
  outcome: Exclude<Outcome, { kind: "paid" }>,
  blanks: Telling["blanks"],
): Telling {
  if (outcome.kind === "unknown")
    return { title: "notKnown", key: "unknown", blanks, next: "ask-again" };
  if (outcome.kind === "failed") {
    const status = outcome.status === 0 ? "3xx" : outcome.status;
    return { title: "notKnown", key: "serverFailed", blanks: { status }, next: "ask-again" };
  }
  if (outcome.kind === "used") {
    const key = outcome.elsewhere ? "elsewhere" : "used";
    return { title: "wasPaid", key, blanks, next: "pay-anew" };
  }
  const { reason, changed } = outcome;
  if (changed) return { title: "notPaid", key: "priceChanged", blanks, next: "reload" };
  if (POOR.test(reason)) return { title: "notPaid", key: "refusedPoor", blanks, next: "try-again" };
  if (TIME.test(reason)) return { title: "notPaid", key: "refusedTime", blanks, next: "try-again" };
  const words = Object.hasOwn(REASONS, reason) ? REASONS[reason as keyof typeof REASONS] : reason;
  return {
    title: "notPaid",
    key: "refused",
    blanks: { reason: words.slice(0, 300) },
    next: "try-again",
  };
}
