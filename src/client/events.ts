import type { SettleResponse } from "../core/messages.ts";
import type { PaymentRule } from "./errors.ts";
import type { Spend } from "./spend-store.ts";

/** Which payment it is about; nothing that could be used to take it. */
export type SpendFacts = Pick<
  Spend,
  "id" | "url" | "method" | "host" | "network" | "asset" | "amount" | "payTo" | "unit" | "value"
>;

/** What happened to a payment. */
export type SpendEvent =
  | { readonly type: "signed" }
  /** An earlier call's payment is presented again. */
  | { readonly type: "resumed" }
  /** No answer that says what became of it: it is presented again after `waitMs`. */
  | {
      readonly type: "retrying";
      readonly attempt: number;
      readonly waitMs: number;
      readonly why: string;
    }
  /** Delivered. */
  | {
      readonly type: "paid";
      readonly status: number;
      readonly receipt: SettleResponse | undefined;
    }
  /** The receipt says something else than what was signed. */
  | { readonly type: "receipt_mismatch"; readonly field: string }
  | { readonly type: "rejected"; readonly reason: string }
  | { readonly type: "uncertain"; readonly why: string };

/** What happened on the way of a payment, for logs and metrics. No event holds a signature or a payment header. */
export type ClientEvent =
  /** Nothing was paid. */
  | {
      readonly type: "refused";
      readonly url: string;
      readonly rule: PaymentRule;
      readonly message: string;
    }
  | (SpendEvent & SpendFacts)
  /** The spend store could not be written, where nothing more can be done about it. */
  | { readonly type: "store_failed"; readonly error: unknown };

export type Emit = (event: ClientEvent) => void;

/** Calls the observer so that nothing of it comes back. */
export function emitter(onEvent: ((event: ClientEvent) => unknown) | undefined): Emit {
  return async (event) => {
    try {
      await onEvent?.(event);
    } catch {
      // An observer's fault is its own.
    }
  };
}

/** The event with what may be told of the payment. */
export function about(spend: Spend, event: SpendEvent): ClientEvent {
  const { id, url, method, host, network, asset, amount, payTo, unit, value } = spend;
  return { ...event, id, url, method, host, network, asset, amount, payTo, unit, value };
}
