import type { PaymentPayload, PaymentRequirements, SettleResponse } from "../core/messages.ts";
import type { Awaitable } from "../ledger/claims.ts";
import type { PaywallRequest } from "./gate.ts";

/** What happened at a paywall, for logs and metrics. No event holds a signature or a payment header. */
export type PaywallEvent = { readonly method: string; readonly path: string } & (
  | {
      /** Answered 402; `error` is the reason, where a payment was presented and refused. */
      readonly type: "payment_required";
      readonly error: string;
    }
  /** A payment that cannot be read (400, 431), is in use or was used (409). */
  | { readonly type: "payment_rejected"; readonly code: string }
  | ({ readonly type: "payment_verified" } & PaymentFacts)
  | ({ readonly type: "payment_settled"; readonly receipt: SettleResponse } & PaymentFacts)
  /** Proven not to have moved money. */
  | ({ readonly type: "settlement_failed"; readonly reason: string } & PaymentFacts)
  /** Not known yet; the same payment is to come again. */
  | ({ readonly type: "settlement_unknown"; readonly code: string } & PaymentFacts)
  /** The stored response was sent to a payment that came again. */
  | ({ readonly type: "response_replayed" } & PaymentFacts)
  /** The handler threw, or answered with an error; `charged` says whether it was settled beforehand. */
  | ({
      readonly type: "handler_failed";
      readonly charged: boolean;
      readonly status: number | undefined;
    } & PaymentFacts)
  /** Too large, or endless, to be held back until it is paid; not sent and not charged: settle before instead. */
  | ({ readonly type: "response_not_held"; readonly why: string } & PaymentFacts)
  /** A guard or a price function of the publisher failed; the request was refused. */
  | { readonly type: "hook_failed"; readonly hook: string; readonly error: unknown }
  /** A facilitator, or the store of claims, could not be used. */
  | { readonly type: "dependency_failed"; readonly name: string; readonly error: unknown }
);

export interface PaymentFacts {
  /** Identity of the payment. */
  readonly id: string;
  readonly payer?: string | undefined;
  readonly amount: string;
  readonly asset: string;
  readonly network: string;
}

/** What a guard is asked about. */
export interface GuardContext {
  readonly request: PaywallRequest;
  readonly paymentPayload: PaymentPayload;
  readonly requirements: PaymentRequirements;
}

/** What a guard answers to refuse; the reason is shown to the client. */
export interface Refusal {
  readonly abort: true;
  readonly reason: string;
}

/**
 * Guards may refuse, and refuse when they throw (safety rule 20). An observer cannot break a payment: what it throws
 * is dropped.
 */
export interface PaywallHooks {
  /** Before anything else on a priced route: let in without payment, refuse (403), or go on. */
  readonly onProtectedRequest?: (
    request: PaywallRequest,
  ) => Awaitable<void | { readonly grantAccess: true } | Refusal>;
  /** Before the facilitator is asked; a refusal is a 403, and nothing was charged. */
  readonly onBeforeVerify?: (context: GuardContext) => Awaitable<void | Refusal>;
  /** Before a payment is settled; a refusal is a 403, and nothing is charged. */
  readonly onBeforeSettle?: (context: GuardContext) => Awaitable<void | Refusal>;
  /** Observer. */
  readonly onEvent?: (event: PaywallEvent) => Awaitable<void>;
}

export type Emit = (event: PaywallEvent) => void;

/** Calls the observer so that nothing of it comes back. */
export function emitter(onEvent: NonNullable<PaywallHooks["onEvent"]>): Emit {
  return (event) => {
    try {
      void Promise.resolve(onEvent(event)).catch(() => {});
    } catch {
      // An observer's fault is its own.
    }
  };
}
