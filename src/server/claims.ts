import type { SettleResponse } from "../core/messages.ts";

/** A response kept so that the payment that bought it can fetch it again. */
export interface StoredResponse {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: ArrayBuffer | undefined;
}

/** What this server knows of a payment. One handler run and one settlement belong to it. */
export interface PaymentClaim {
  /** Method and URL that the payment was presented for. */
  readonly request: string;
  readonly idempotencyKey: string;
  readonly expiresAtMs: number;
  /** `running`: a verify, the handler or a settle is under way. `served`: there is a response to settle, or settled. */
  state: "running" | "served";
  /** What the handler answered. Gone when it was too large to keep. */
  response?: StoredResponse;
  /** The settlement's receipt, once there is one. */
  receipt?: SettleResponse;
}

export interface Claims {
  /** Takes a payment for a request. Nothing to do but look when somebody has it already. */
  take(key: string, request: string, ttlMs: number): { claim: PaymentClaim; mine: boolean };
  /** Forgets a payment of which nothing was charged. */
  release(key: string): void;
}

/** Claims in this process's memory. */
export function memoryClaims(now: () => number = Date.now): Claims {
  const claims = new Map<string, PaymentClaim>();

  function dropExpired(): void {
    // Entries stand in order of their making and live about equally long: look at the oldest few only.
    let looked = 0;
    for (const [key, claim] of claims) {
      if (looked++ === 4) return;
      if (claim.expiresAtMs < now() && claim.state !== "running") claims.delete(key);
    }
  }

  return {
    take(key, request, ttlMs) {
      dropExpired();
      const known = claims.get(key);
      if (known !== undefined) return { claim: known, mine: false };
      const claim: PaymentClaim = {
        request,
        idempotencyKey: crypto.randomUUID(),
        expiresAtMs: now() + ttlMs,
        state: "running",
      };
      claims.set(key, claim);
      return { claim, mine: true };
    },
    release: (key) => void claims.delete(key),
  };
}
