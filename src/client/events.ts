import type { SettleResponse } from "../core/messages.ts";
import type { PaymentRule } from "./errors.ts";
import type { Spend } from "./spend-store.ts";

/** Which payment it is about; nothing that could be used to take it. */
export type SpendFacts = Pick<
  Spend,
  "id" | "url" | "method" | "host" | "network" | "asset" | "amount" | "payTo" | "unit" | "value"
>;

/** What happened on the way of a payment, for logs and metrics. No event holds a signature or a payment header. */
export type ClientEvent =
  /** Nothing was paid. */
  | {
      readonly type: "refused";
      readonly url: string;
      readonly rule: PaymentRule;
      readonly message: string;
    }
  | ({ readonly type: "signed" } & SpendFacts)
  /** An earlier call's payment is presented again. */
  | ({ readonly type: "resumed" } & SpendFacts)
  /** No answer that says what became of it: it is presented again after `waitMs`. */
  | ({
      readonly type: "retrying";
      readonly attempt: number;
      readonly waitMs: number;
      readonly why: string;
    } & SpendFacts)
  /** Delivered. */
  | ({
      readonly type: "paid";
      readonly status: number;
      readonly receipt: SettleResponse | undefined;
    } & SpendFacts)
  /** The receipt says something else than what was signed. */
  | ({ readonly type: "receipt_mismatch"; readonly field: string } & SpendFacts)
  | ({ readonly type: "rejected"; readonly reason: string } & SpendFacts)
  | ({ readonly type: "uncertain"; readonly why: string } & SpendFacts)
  /** The spend store could not be written, where nothing more can be done about it. */
  | { readonly type: "store_failed"; readonly error: unknown };

export type Emit = (event: ClientEvent) => void;

/** Calls the observer so that nothing of it comes back. */
export function emitter(onEvent: ((event: ClientEvent) => unknown) | undefined): Emit {
  return (event) => {
    try {
      void Promise.resolve(onEvent?.(event)).catch(() => {});
    } catch {
      // An observer's fault is its own.
    }
  };
}

export function factsOf(spend: Spend): SpendFacts {
  const { id, url, method, host, network, asset, amount, payTo, unit, value } = spend;
  return { id, url, method, host, network, asset, amount, payTo, unit, value };
}
