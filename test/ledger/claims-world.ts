import { setTimeout as sleep } from "node:timers/promises";
import type { ClaimStore, PaymentClaim, StoredResponse } from "../../src/ledger/claims.ts";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import { redisClaims } from "../../src/ledger/redis-claims.ts";
import { LONG, SHORT, unique } from "./world.ts";

/** A store of claims to be tested, and its clock. */
export interface ClaimsWorld {
  readonly store: ClaimStore;
  /** Another handle on the same claims, as another server has. */
  readonly replica: ClaimStore;
  /** A handle on the same claims whose holds last for `SHORT`; absent where holds are without a lease. */
  readonly hasty?: ClaimStore;
  /** Ends the hold of whoever has not renewed, as time does; absent where holds are without a lease. */
  readonly lapse?: (key: string) => Promise<void>;
  /** Lets so much time pass by the store's clock. */
  readonly advance: (ms: number) => Promise<void>;
  /** The store's clock stands still but for `advance`. */
  readonly exactClock: boolean;
  readonly stop: () => Promise<void>;
}

/** Two servers' claims in the same Redis, each with a connection of its own. */
export function redisClaimsWorld(url: string): ClaimsWorld {
  const open = (leaseMs: number) => redisClaims(connectRedis(url), { leaseMs });
  const [store, replica, hasty] = [open(LONG), open(LONG), open(SHORT)];
  const redis = connectRedis(url);
  return {
    store,
    replica,
    hasty,
    lapse: async (key) => {
      if (redis.status === "wait") await redis.connect();
      const name = `farthing:claim:{${key}}`;
      if ((await redis.exists(name)) === 1) await redis.hset(name, "heldUntilMs", "1");
    },
    advance: (ms) => sleep(ms + 5),
    exactClock: false,
    stop: async () => {
      redis.disconnect();
      await Promise.all([store.close(), replica.close(), hasty.close()]);
    },
  };
}

const paymentRequirements = {
  scheme: "exact",
  network: "eip155:84532",
  amount: "1000000",
  asset: "0x036cbd53842c5426634e7929541ec2318f3dcf7e",
  payTo: "0x2222222222222222222222222222222222222222",
  maxTimeoutSeconds: 300,
  extra: { name: "USDC", version: "2" },
} as const;

/** What a server knows of a payment that was just verified. */
export function newClaim(change: Partial<PaymentClaim> = {}): PaymentClaim {
  return {
    state: "claimed",
    request: "GET https://example.com/report?day=1",
    presenter: "",
    body: {
      x402Version: 2,
      paymentPayload: {
        x402Version: 2,
        accepted: paymentRequirements,
        payload: { signature: "0x01", authorization: { nonce: "0x02", list: [1, "2", null] } },
      },
      paymentRequirements,
    },
    idempotencyKey: unique("idempotency"),
    runs: 0,
    delivered: false,
    ...change,
  };
}

export function responseOf(change: Partial<StoredResponse> = {}): StoredResponse {
  return { status: 200, headers: { "content-type": "text/plain" }, body: bytesOf(4), ...change };
}

/** Bytes of all values, over and over. */
export function bytesOf(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => i % 256);
}

/** Claims a new payment. */
export async function claimed(store: ClaimStore, change: Partial<PaymentClaim> = {}, ttlMs = LONG) {
  const key = unique("payment");
  const claim = newClaim(change);
  const token = await store.claim(key, claim, ttlMs);
  if (token === undefined) throw new Error("not claimed");
  return { key, claim, token };
}
