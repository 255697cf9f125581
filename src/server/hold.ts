import type { ClaimChange, ClaimStore, PaymentClaim } from "../ledger/claims.ts";

/** A claim that this server holds, renewed until it is let go. */
export interface Hold {
  /** As last written. */
  readonly claim: PaymentClaim;
  /** Writes a change; false when the claim is not held any more, and nothing was written. */
  write(change: ClaimChange, ttlMs?: number): Promise<boolean>;
  /** Writes a last change and ends the hold; the claim stays. */
  letGo(change?: ClaimChange, ttlMs?: number): Promise<boolean>;
  /** Removes the claim: nothing was charged. */
  forget(): Promise<void>;
}

/** Holds a claim. `onError` hears of failures where nothing more can be done: the hold then ends by itself. */
export function holdClaim(
  store: ClaimStore,
  key: string,
  token: string,
  claim: PaymentClaim,
  onError: (error: unknown) => void,
): Hold {
  let current = claim;
  const renewal =
    store.leaseMs === undefined
      ? undefined
      : setInterval(() => {
          const renewed = async () => store.renew(key, token);
          renewed().then((held) => (held ? undefined : clearInterval(renewal)), onError);
        }, store.leaseMs / 3);

  return {
    get claim() {
      return current;
    },
    async write(change, ttlMs) {
      const written = await store.write(key, token, change, ttlMs === undefined ? {} : { ttlMs });
      if (written) current = { ...current, ...change };
      return written;
    },
    async letGo(change = {}, ttlMs) {
      clearInterval(renewal);
      current = { ...current, ...change };
      try {
        return await store.write(key, token, change, {
          letGo: true,
          ...(ttlMs !== undefined && { ttlMs }),
        });
      } catch (error) {
        onError(error);
        return false;
      }
    },
    async forget() {
      clearInterval(renewal);
      try {
        await store.forget(key, token);
      } catch (error) {
        onError(error);
      }
    },
  };
}
