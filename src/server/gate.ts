/** What adapters translate from and to. A web `Request` is a `PaywallRequest` as it is. */
import type { PaymentRequired } from "../core/messages.ts";
import type { Network } from "../core/network.ts";
import type { Price } from "../core/scheme.ts";

export interface PaywallRequest {
  readonly method: string;
  /** Absolute, for example `https://example.com/report?day=1`. */
  readonly url: string;
  readonly headers: {
    /** All values of a header with `, ` between them, as `Headers` gives them; null when it was not sent. */
    get(name: string): string | null;
  };
}

export type AnswerBody = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;

/** A response in plain form: cheap on every platform. */
export interface Answer {
  readonly status: number;
  /** A list where a header is sent several times, as with `set-cookie`. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: AnswerBody;
}

/** What a handler may know of the payment that let it run. */
export interface Payment {
  /** Canonical identity of the money movement, for example for logs and records. */
  readonly id: string;
  readonly payer?: string | undefined;
  /** Atomic units that were signed for. */
  readonly amount: string;
  readonly asset: string;
  readonly network: Network;
  /** Hash of the settlement's transaction, where it was settled before the handler. */
  readonly transaction?: string | undefined;
  /**
   * Charges less than was signed for: atomic units as `bigint`, or a price such as `"$0.004"`. The last call counts.
   *
   * @throws TypeError when the scheme charges its price as it is (`exact`), when the payment was settled before the
   * handler, or when it is more than was signed.
   */
  charge(amount: bigint | Price): void;
}

/** What to do with a request. */
export type Decision =
  /** Send this. */
  | { readonly answer: Answer }
  /** Run the handler and send what it answers: nothing is asked for this request. */
  | { readonly free: true }
  | Admitted;

/** The handler runs, once. Then either `finish` or `abandon` is called. */
export interface Admitted {
  readonly payment: Payment;
  /**
   * Takes the handler's answer (header names in lower case) and gives the one to send. Before that nothing of the
   * handler's answer may leave. Where the payment was settled beforehand a stream stays a stream. Never throws.
   */
  finish(answer: Answer): Promise<Answer>;
  /** The handler threw. Nothing is charged; or, settled beforehand, the same payment may run the handler again. */
  abandon(): Promise<void>;
}

/** Decides about one request to a paid route. Never throws. */
export type Gate = (request: PaywallRequest) => Promise<Decision>;

/** What a page for people in a browser is made from. */
export interface PageContext {
  readonly request: PaywallRequest;
  /** The 402's message as it stands in `PAYMENT-REQUIRED`. */
  readonly paymentRequired: PaymentRequired;
}

/** The HTML side of a 402 (`farthing/html`, or a publisher's own). */
export interface PaywallPage {
  /** Body and headers (such as the content security policy) of the 402; status and payment headers are added. */
  render(context: PageContext): {
    readonly html: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  /**
   * Answers requests for the page's own parts, which come to the priced URL with a query of their own; nothing for
   * every other request. Must not depend on anything but its query.
   */
  asset?(request: PaywallRequest): Answer | undefined;
}
