import { X402Error } from "../core/errors.ts";
import type { SettleResponse } from "../core/messages.ts";

/** The rule that kept a payment from being made. */
export type PaymentRule =
  /** None of the offers is of a scheme, or in a flow, that can be paid with. */
  | "no_offer"
  | "scheme"
  | "flow"
  /** The token is in no table of ours, so that its price means nothing. */
  | "unknown_asset"
  /** `maxAmount`. */
  | "max_amount"
  | "budget"
  /** `allow` and `deny`. */
  | "host"
  | "network"
  | "asset"
  | "payee"
  /** `pinPayees`: the origin was paid at another address before. */
  | "payee_changed"
  /** `select` chose none. */
  | "select"
  /** `confirm` said no. */
  | "confirm"
  | "redirected"
  /** `refusePrivateAddresses`. */
  | "private_address"
  /** An earlier payment for the same request may still be taken. */
  | "earlier_payment";

export interface Refusal {
  readonly rule: PaymentRule;
  readonly message: string;
}

/** Nothing was paid, because a rule says so. */
export class PaymentRefused extends X402Error {
  override readonly name = "PaymentRefused";
  /** The first offer's rule. */
  readonly rule: PaymentRule;
  /** Why not, for every offer. */
  readonly refusals: readonly Refusal[];

  constructor(refusals: readonly [Refusal, ...Refusal[]]) {
    super(
      "payment_refused",
      `nothing was paid: ${refusals.map(({ message }) => message).join("; ")}`,
    );
    this.rule = refusals[0].rule;
    this.refusals = refusals;
  }
}

/** What was answered to a payment that came to nothing. */
export interface FailedReply {
  /** The last answer, if there was one; its body can be read. */
  readonly response?: Response | undefined;
  readonly receipt?: SettleResponse | undefined;
  /** The server's reason, short and printable; what it is worth, the server knows. */
  readonly reason?: string | undefined;
  /** The payment in the spend store. */
  readonly spendId: string;
}

export interface UncertainReply extends FailedReply {
  /** Why it is not known: the last attempt in a few words, with text of the server only as in `reason`. */
  readonly why: string;
}

/** The server takes no payment, and says so. It stays counted in the budgets while it could be taken all the same. */
export class PaymentRejected extends X402Error {
  override readonly name = "PaymentRejected";
  readonly reply: FailedReply;

  constructor(reply: FailedReply) {
    const { reason = "no reason given" } = reply;
    super("payment_rejected", `the server takes no payment: ${reason}; nothing more was signed`);
    this.reply = reply;
  }
}

/**
 * Paid or not: it is not known. Calling again with the same request presents the same payment again, and signs no other
 * while this one may be taken.
 */
export class PaymentUncertain extends X402Error {
  override readonly name = "PaymentUncertain";
  readonly reply: UncertainReply;

  constructor(why: string, reply: FailedReply, cause?: unknown) {
    super(
      "payment_uncertain",
      `it is not known whether the payment was taken (${why}); the same call presents the same payment`,
      { retry: "unsafe", cause },
    );
    this.reply = { ...reply, why };
  }
}
