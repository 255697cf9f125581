/** One HTTP POST of JSON: what every client of it does. */

/** Why there is no answer. */
export interface Failure {
  readonly kind: "timeout" | "connection" | "http" | "rate_limited" | "malformed";
  /** Whether the request may have reached the other side. */
  readonly sent: boolean;
  /** What happened, without the address and without anything that the other side said. */
  readonly detail: string;
  readonly retryAfterMs?: number | undefined;
  /** The answer had more bytes than it may have. */
  readonly tooLarge?: true;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  /** Value of the header `Retry-After`. */
  readonly retryAfter?: string | undefined;
}

/** Never rejects. May send a request twice: all JSON-RPC requests that are made here can be repeated. */
export interface HttpPost {
  (
    url: string,
    body: string,
    timeoutMs: number,
    /** Most bytes of the answer, if fewer than usual. */
    maxBytes?: number,
  ): Promise<HttpAnswer | Failure>;
  /** Closes the connections that are kept, and ends what is under way. */
  close?(): void;
}

/** The receipts of a large block are some MiB. */
export const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

export const failure = (kind: Failure["kind"], detail: string, sent = true): Failure => ({
  kind,
  detail,
  sent,
});
export const timedOut = (timeoutMs: number): Failure =>
  failure("timeout", `no answer in ${timeoutMs} ms`);
export const tooLarge = (maxBytes: number): Failure => ({
  ...failure("malformed", `answer over ${maxBytes} bytes`),
  tooLarge: true,
});
