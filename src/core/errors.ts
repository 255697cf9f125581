/**
 * Whether the caller may try again.
 * - `safe`: nothing happened; try again as you like.
 * - `unsafe`: money may have moved; only the identical request may be sent again.
 * - `no`: trying again cannot help.
 */
export type Retry = "safe" | "unsafe" | "no";

/** Stable codes of thrown errors and of problem+json answers. */
export type ErrorCode =
  | "malformed_payment"
  | "malformed_requirements"
  | "malformed_request"
  | "malformed_payment_required"
  | "malformed_receipt"
  | "payload_too_large"
  | "ambiguous_payment"
  | "unsupported_version"
  | "unsupported_media_type"
  | "ledger_unavailable"
  | "rpc_unavailable"
  | "facilitator_unavailable"
  | "facilitator_malformed"
  | "facilitator_refused"
  | "settlement_pending"
  | "payment_in_flight"
  | "payment_already_used"
  | "payment_refused"
  | "payment_rejected"
  | "payment_uncertain"
  | "permit2_allowance_required"
  | "request_refused"
  | "hook_failed"
  | "body_not_replayable"
  | "internal_error";

/** The world failed: network, ledger, chain, a malformed peer. Bad payments are values with a reason, not errors. */
export class X402Error extends Error {
  override readonly name: string = "X402Error";
  readonly code: ErrorCode;
  readonly retry: Retry;

  constructor(code: ErrorCode, message: string, options: { retry?: Retry; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retry = options.retry ?? "no";
  }
}

/** Stable code of a thrown value. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof X402Error ? error.code : "internal_error";
}
