import type { FacilitatorRequest, SettleResponse, Supported, VerifyResponse } from "./messages.ts";

export interface FacilitatorCallOptions {
  /**
   * Names the logical request that this payment pays for. The same key may be answered with the same success again;
   * without one a success is handed out once.
   */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

/**
 * Verifies payments and settles them (specification v2, section 7). In-process (`farthing/facilitator`) or over HTTP
 * (`httpFacilitator`): the same interface.
 *
 * A bad payment is an answer with a reason. A thrown `X402Error` means that the world failed; its `retry` says whether
 * money may have moved.
 */
export interface Facilitator {
  verify(request: FacilitatorRequest, options?: FacilitatorCallOptions): Promise<VerifyResponse>;
  settle(request: FacilitatorRequest, options?: FacilitatorCallOptions): Promise<SettleResponse>;
  supported(): Promise<Supported>;
}
