import { assertChange, assertIdentification, assertNewClaim, changedClaim } from "./claim-input.ts";
import type { ClaimStore, PaymentClaim } from "./claims.ts";
import { expiringMap } from "./expiring-map.ts";
import { assertKey } from "./input.ts";

/** How many bytes of responses are kept, unless said otherwise. */
const MAX_BYTES = 64 * 1024 * 1024;

export interface MemoryClaimsOptions {
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /**
   * Bytes of response bodies to keep in all; default 64 MiB. Beyond it those of claims that are settled and delivered
   * go, the longest delivered first. What was not delivered stays, however much it is.
   */
  readonly maxBytes?: number;
}

/** A `ClaimStore` whose operations answer at once. */
export type MemoryClaimStore = {
  [K in Exclude<keyof ClaimStore, "leaseMs">]: (
    ...args: Parameters<ClaimStore[K]>
  ) => Awaited<ReturnType<ClaimStore[K]>>;
};

interface Kept {
  claim: PaymentClaim;
  /** Of who holds it. */
  token: string | undefined;
  /** When it expires, once nobody holds it. */
  untilMs: number;
}

/**
 * Claims in the memory of one process, for a publisher with a single server. They are held without a lease, and all
 * gone when the process ends.
 */
export function memoryClaims(options: MemoryClaimsOptions = {}): MemoryClaimStore {
  const { now = Date.now, maxBytes = MAX_BYTES } = options;
  if (!(maxBytes >= 0)) throw new TypeError("claims: maxBytes is not a number of bytes");
  const claims = expiringMap<Kept>(discount);
  const identifiers = expiringMap<string>();
  /** Claims whose bodies may go, the longest delivered first. */
  const delivered = new Map<string, Kept>();
  let bytes = 0;
  let lastToken = 0;

  function discount(key: string, { claim }: Kept): void {
    bytes -= bytesOf(claim);
    delivered.delete(key);
  }

  function hold(key: string, kept: Kept): string {
    kept.token = String(++lastToken);
    claims.set(key, kept, Number.POSITIVE_INFINITY); // a held claim is never swept
    return kept.token;
  }

  function letGo(key: string, kept: Kept): void {
    kept.token = undefined;
    claims.delete(key); // else it would be kept for ever, as it was while it was held
    claims.set(key, kept, kept.untilMs);
  }

  function held(key: string, token: string): Kept | undefined {
    assertKey(key);
    const kept = claims.get(key, now());
    return kept?.token === token ? kept : undefined;
  }

  function put(key: string, kept: Kept, claim: PaymentClaim, bytesBefore: number): void {
    bytes += bytesOf(claim) - bytesBefore;
    kept.claim = Object.freeze(claim);
    if (mayLoseBody(claim)) delivered.set(key, kept);
    else delivered.delete(key);
    if (bytes > maxBytes) dropBodies();
  }

  function dropBodies(): void {
    for (const [key, kept] of delivered) {
      discount(key, kept);
      const { response: _response, ...claim } = kept.claim;
      kept.claim = Object.freeze(claim);
      if (bytes <= maxBytes) return;
    }
  }

  return {
    get(key) {
      assertKey(key);
      const kept = claims.get(key, now());
      return kept && { claim: kept.claim, held: kept.token !== undefined };
    },
    claim(key, given, ttlMs) {
      assertNewClaim(key, given, ttlMs);
      const nowMs = now();
      if (claims.get(key, nowMs) !== undefined) return undefined;
      const kept: Kept = { claim: given, token: undefined, untilMs: nowMs + ttlMs };
      put(key, kept, { ...given }, 0);
      return hold(key, kept);
    },
    resume(key) {
      assertKey(key);
      const kept = claims.get(key, now());
      if (kept === undefined || kept.token !== undefined) return undefined;
      return { claim: kept.claim, token: hold(key, kept) };
    },
    write(key, token, change, { letGo: last = false, ttlMs } = {}) {
      assertChange(key, change, ttlMs);
      const kept = held(key, token);
      if (kept === undefined) return false;
      const claim = changedClaim(kept.claim, change);
      if (claim === undefined) return false;
      put(key, kept, claim, bytesOf(kept.claim));
      if (ttlMs !== undefined) kept.untilMs = now() + ttlMs;
      if (last) letGo(key, kept);
      return true;
    },
    renew: (key, token) => held(key, token) !== undefined,
    forget(key, token) {
      const kept = held(key, token);
      if (kept === undefined) return false;
      discount(key, kept);
      return claims.delete(key);
    },
    identify(identifier, key, ttlMs) {
      assertIdentification(identifier, key, ttlMs);
      const nowMs = now();
      const bound = identifiers.get(identifier, nowMs);
      if (bound === undefined) identifiers.set(identifier, key, nowMs + ttlMs);
      return bound ?? key;
    },
  };
}

function bytesOf({ response }: PaymentClaim): number {
  return response?.body?.byteLength ?? 0;
}

function mayLoseBody(claim: PaymentClaim): boolean {
  return claim.state === "settled" && claim.delivered && bytesOf(claim) > 0;
}
