/** What is said when there was no answer, and the exit code of it. */
import {
  PaymentRefused,
  PaymentRejected,
  PaymentUncertain,
  type PaymentRule,
} from "../src/client/index.ts";
import { X402Error } from "../src/core/errors.ts";
import { EXIT, fail, UsageError } from "./exit.ts";
import { priceOf, type Story } from "./pay-events.ts";
import { escaped, messageOf, printJson } from "./text.ts";

const ADVICE: Partial<Record<PaymentRule, string>> = {
  max_amount: "raise --max-amount to pay it",
  budget:
    'see "farthing wallet budgets"; "farthing wallet reconcile" gives back what was never taken',
  host: "see --allow-host and --deny-host",
  payee_changed: "pay without --pin if that is right",
  private_address: "leave --public-only out if that is meant",
};

interface Failure {
  readonly exit: number;
  readonly code: string;
  readonly message: string;
  /** Whether money has moved; nothing: it is not known. */
  readonly paid: false | null;
  readonly more?: object;
}

/** @throws UsageError as it is. */
export function explain(
  error: unknown,
  url: string,
  story: Story,
  options: { readonly json?: true; readonly history: boolean },
): void {
  if (error instanceof UsageError) throw error;
  const { exit, code, message, paid, more } = describe(error, url, story, options.history);
  if (options.json) printJson({ paid, error: { code, message, ...more } });
  fail(exit, message);
}

function describe(error: unknown, url: string, story: Story, hasHistory: boolean): Failure {
  if (error instanceof PaymentRefused) {
    const { rule, code, message } = error;
    const advice = story.isMute
      ? "there is no terminal to ask on: give --yes, or do not ask"
      : ADVICE[rule];
    return {
      exit: EXIT.refused,
      code,
      message: escaped(message) + (advice === undefined ? "" : ` (${advice})`),
      paid: false,
      more: { rule },
    };
  }
  if (error instanceof PaymentRejected) {
    const { code, message, reply } = error;
    const counted = hasHistory
      ? "; it is counted in the budgets until farthing wallet reconcile has asked the chain"
      : "";
    return {
      exit: EXIT.rejected,
      code,
      message: escaped(message) + counted,
      paid: false,
      more: { status: reply.response?.status, reason: reply.reason },
    };
  }
  const { payment } = story;
  const isUncertain = error instanceof PaymentUncertain;
  if (isUncertain || payment !== undefined) {
    const why = isUncertain ? escaped(error.reply.why) : messageOf(error);
    const price = payment === undefined ? "the payment" : `the payment of ${priceOf(payment)}`;
    const next = hasHistory
      ? "run the same command again: it presents the same payment, and signs no other"
      : "nothing was written down (--no-history): the same command again may pay a second time";
    const what = story.isAnswered
      ? `${price} was answered, and the answer broke off`
      : `it is not known whether ${price} was taken`;
    const message = `${what} (${why}); ${next}`;
    return { exit: EXIT.uncertain, code: "payment_uncertain", message, paid: null };
  }
  const code = error instanceof X402Error ? error.code : "failed";
  return { exit: EXIT.failed, code, message: `${escaped(url)}: ${messageOf(error)}`, paid: false };
}
