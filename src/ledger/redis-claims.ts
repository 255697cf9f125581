import type { Cluster, Redis } from "ioredis";
import { assertChange, assertIdentification, assertNewClaim } from "./claim-input.ts";
import type { ClaimStore, PaymentClaim } from "./claims.ts";
import { assertDuration, assertKey } from "./input.ts";
import { CLAIM_VERSION, fieldsOf, parseClaim } from "./redis-claim-record.ts";
import { CLAIM_SCRIPTS } from "./redis-claim-scripts.ts";
import { keptRunner } from "./redis-kept.ts";
import { isYes, malformed } from "./redis-run.ts";
import { ledgerUnavailable } from "./unavailable.ts";
import type { ClaimOperation } from "./unavailable.ts";

export interface RedisClaimsOptions {
  /** Begins every key. Servers that share it share their claims. Default: `farthing`. */
  readonly prefix?: string;
  /** For how many milliseconds a claim is held without being renewed. Default: 15,000. */
  readonly leaseMs?: number;
  /** For how many milliseconds an operation waits for a connection before it fails. Default: 1,000. */
  readonly connectionWaitMs?: number;
}

/** Claims in Redis. */
export interface RedisClaimStore extends ClaimStore {
  readonly leaseMs: number;
  /**
   * Proves that claims can be made and are kept: for start and health. Throws `X402Error` `ledger_unavailable` when
   * Redis cannot be reached, takes no writes, or may evict claims.
   */
  check(): Promise<void>;
  /** Ends the client, after the replies that are still due; every operation fails from then on. */
  close(): Promise<void>;
}

/**
 * Claims in Redis 6 or newer, or a Redis Cluster, that all servers of a publisher share. The client should have
 * `redisLedgerOptions`; it belongs to the store from now on, and `close` ends it.
 *
 * A Redis that may evict claims is refused: nothing succeeds until it was asked once. Redis replicates asynchronously:
 * a failover may lose the latest writes, and with them a claim; a handler may run twice then. Money still moves once,
 * by the facilitator's ledger and the chain.
 *
 * @throws TypeError for a prefix with a brace, or a lease that is no duration.
 */
export function redisClaims(
  redis: Redis | Cluster,
  options: RedisClaimsOptions = {},
): RedisClaimStore {
  const { prefix = "farthing", leaseMs = 15_000, connectionWaitMs = 1_000 } = options;
  if (/[{}]/.test(prefix))
    throw new TypeError("claims: the prefix has a brace, which is for hash tags");
  assertDuration("leaseMs", leaseMs, 1);
  const { run, ...kept } = keptRunner(redis, connectionWaitMs, CLAIM_SCRIPTS);

  function claimIn(operation: ClaimOperation, values: unknown): PaymentClaim {
    const claim = parseClaim(values);
    if (claim === undefined) throw malformed(operation);
    return claim;
  }

  const keysOf = (key: string): string[] => [`${prefix}:claim:{${key}}`];

  return {
    leaseMs,
    async get(key) {
      assertKey(key);
      const { status, more } = await run("getClaim", keysOf(key));
      if (status === "none") return undefined;
      return { claim: claimIn("getClaim", more), held: status === "held" };
    },
    async claim(key, claim, ttlMs) {
      assertNewClaim(key, claim, ttlMs);
      const token = crypto.randomUUID();
      const { set } = fieldsOf(claim);
      const reply = await run("claimPayment", keysOf(key), token, leaseMs, ttlMs, ...set);
      return isYes("claimPayment", reply) ? token : undefined;
    },
    async resume(key) {
      assertKey(key);
      const token = crypto.randomUUID();
      const { status, more } = await run("resumeClaim", keysOf(key), token, leaseMs);
      return status === "none" ? undefined : { claim: claimIn("resumeClaim", more), token };
    },
    async write(key, token, change, { letGo = false, ttlMs } = {}) {
      assertChange(key, change, ttlMs);
      const { removed, set } = fieldsOf(change);
      const how = [token, letGo ? 1 : 0, ttlMs ?? 0, removed.length];
      const reply = await run("writeClaim", keysOf(key), ...how, ...removed, ...set);
      return isYes("writeClaim", reply);
    },
    async renew(key, token) {
      assertKey(key);
      return isYes("renewClaim", await run("renewClaim", keysOf(key), token, leaseMs));
    },
    async forget(key, token) {
      assertKey(key);
      return isYes("forgetClaim", await run("forgetClaim", keysOf(key), token));
    },
    async identify(identifier, key, ttlMs) {
      assertIdentification(identifier, key, ttlMs);
      const keys = [`${prefix}:identifier:{${identifier}}`];
      const { more } = await run("identifyPayment", keys, `${CLAIM_VERSION} ${key}`, ttlMs);
      return boundKey(more);
    },
    check: async () => await kept.check("check", [`${prefix}:check`]),
    close: kept.close,
  };
}

/** The key in what an identifier is bound to, which is a version and a key. */
function boundKey(bytes: unknown): string {
  const [, version, key] = /^([1-9][0-9]*) (.+)$/s.exec(String(bytes)) ?? [];
  if (version === undefined || key === undefined) throw malformed("identifyPayment");
  if (version !== String(CLAIM_VERSION)) {
    const why = `the identifier has version ${version.slice(0, 16)}, this service reads ${CLAIM_VERSION}`;
    throw ledgerUnavailable("identifyPayment", why, true);
  }
  return key;
}
