import type { FacilitatorRequest, SettleResponse } from "../core/messages.ts";

/** A response kept so that the payment that bought it can fetch it again. */
export interface StoredResponse {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer> | undefined;
}

/** What this server knows of a payment that was verified. One handler run and one settlement belong to it. */
export interface PaymentClaim {
  /** Method and URL that the payment was presented for. */
  readonly request: string;
  /** What is settled. The payload has to come again exactly: payer and nonce are public, a signature is not. */
  readonly body: FacilitatorRequest;
  readonly payer: string | undefined;
  readonly idempotencyKey: string;
  readonly expiresAtMs: number;
  /** `running`: the handler or a settle is under way. `served`: there is a response to settle, or settled. */
  state: "running" | "served";
  /** What the handler answered. Gone when it was too large to keep. */
  response?: StoredResponse;
  /** The settlement's receipt, once there is one. */
  receipt?: SettleResponse;
}

export interface Claims {
  get(key: string): PaymentClaim | undefined;
  /** Takes a payment; nothing when it is taken. */
  take(
    key: string,
    claim: Pick<PaymentClaim, "request" | "body" | "payer">,
    ttlMs: number,
  ): PaymentClaim | undefined;
  /** Forgets a payment of which nothing was charged. */
  release(key: string): void;
}

/** Entries that every `take` looks at for expired ones: more than it adds, so that sweeping keeps up. */
const SWEPT_AT_ONCE = 2;

/** Claims in this process's memory. */
export function memoryClaims(now: () => number = Date.now): Claims {
  const claims = new Map<string, PaymentClaim>();
  let sweeper = claims.entries();

  function sweep(): void {
    for (let looked = 0; looked < SWEPT_AT_ONCE; looked++) {
      const step = sweeper.next();
      if (step.done === true) {
        sweeper = claims.entries();
        return;
      }
      const [key, claim] = step.value;
      if (claim.expiresAtMs < now() && claim.state !== "running") claims.delete(key);
    }
  }

  return {
    get: (key) => claims.get(key),
    take(key, { request, body, payer }, ttlMs) {
      sweep();
      if (claims.has(key)) return undefined;
      const claim: PaymentClaim = {
        request,
        body,
        payer,
        idempotencyKey: crypto.randomUUID(),
        expiresAtMs: now() + ttlMs,
        state: "running",
      };
      claims.set(key, claim);
      return claim;
    },
    release: (key) => void claims.delete(key),
  };
}
