import type { Cluster, Redis } from "ioredis";
import {
  assertClaimant,
  assertClaimInput,
  assertKey,
  assertOwner,
  assertRenewal,
  assertTransition,
  TRANSITION_FIELDS,
} from "./input.ts";
import type { Claim, ClaimInput, Ledger, SettlementRecord, Transition } from "./ledger.ts";
import { evictionProblem } from "./redis-check.ts";
import { isReady } from "./redis-ready.ts";
import { describeRedisError, malformed, recordIn, scriptRunner } from "./redis-run.ts";
import type { RunScript, ScriptReply } from "./redis-run.ts";
import { ledgerUnavailable } from "./unavailable.ts";
import type { LedgerOperation } from "./unavailable.ts";

export { redisLedgerOptions } from "./redis-options.ts";

export interface RedisLedgerOptions {
  /** Begins every key. Services that share it share their records. */
  readonly prefix?: string;
  /** For how long an operation waits for a connection before it fails. */
  readonly connectionWaitMs?: number;
}

/**
 * A ledger in Redis 6 or newer, or a Redis Cluster, that any number of replicas share. The client should have
 * `redisLedgerOptions`; it belongs to the ledger from now on, and `close` ends it.
 *
 * Redis replicates asynchronously: a failover may lose the latest writes, and with them a claim. After that only the
 * chain's own nonces prevent a second settlement.
 */
export function redisLedger(redis: Redis | Cluster, options: RedisLedgerOptions = {}): Ledger {
  const { prefix = "farthing", connectionWaitMs = 1_000 } = options;
  if (/[{}]/.test(prefix))
    throw new TypeError("ledger: the prefix has a brace, which is for hash tags");
  const runScript = scriptRunner(redis, connectionWaitMs);
  let closed = false;
  const keyOf = (key: string): string => `${prefix}:settlement:{${key}}`;

  const run: RunScript = async (operation, ...rest) => {
    if (closed) throw ledgerUnavailable(operation, "the ledger is closed", false);
    return await runScript(operation, ...rest);
  };

  async function claim(input: ClaimInput): Promise<Claim> {
    assertClaimInput(input);
    const { key, claimant, requirementsHash, payment, leaseMs, ttlMs } = input;
    const reply = await run(
      "claim",
      keyOf(key),
      claimant,
      requirementsHash,
      payment,
      leaseMs,
      ttlMs,
      key,
    );
    const record = recordIn("claim", key, reply);
    const { status } = reply;
    if (status === "claimed" || status === "resumed" || status === "held" || status === "final") {
      return { status, record };
    }
    throw malformed("claim");
  }

  async function advance(
    key: string,
    transition: Transition,
  ): Promise<SettlementRecord | undefined> {
    assertTransition(key, transition);
    const { fence, to, leaseMs } = transition;
    const facts = TRANSITION_FIELDS.flatMap((name) => {
      const value = transition[name];
      return value === undefined ? [] : [name, value];
    });
    const reply = await run("advance", keyOf(key), fence, to, leaseMs ?? "", ...facts);
    return reply.status === "lost" ? undefined : recordIn("advance", key, reply);
  }

  async function check(): Promise<void> {
    await run("check", `${prefix}:check`);
    const problem = await evictionProblem(redis).catch(describeRedisError);
    if (problem !== undefined) throw ledgerUnavailable("check", problem, false);
  }

  async function close(): Promise<void> {
    closed = true;
    try {
      if (isReady(redis)) await redis.quit(); // after the replies that are still due
    } catch {
      // The connection is gone, which is what was wanted.
    } finally {
      redis.disconnect();
    }
  }

  return {
    claim,
    advance,
    renew: async (key, fence, leaseMs) => {
      assertRenewal(key, fence, leaseMs);
      return isYes("renew", await run("renew", keyOf(key), fence, leaseMs));
    },
    release: async (key, fence) => {
      assertOwner(key, fence);
      return isYes("release", await run("release", keyOf(key), fence));
    },
    handOut: async (key, claimant, requirementsHash) => {
      assertClaimant(key, claimant, requirementsHash);
      return isYes("handOut", await run("handOut", keyOf(key), claimant, requirementsHash));
    },
    get: async (key) => {
      assertKey(key);
      const reply = await run("get", keyOf(key));
      return reply.status === "none" ? undefined : recordIn("get", key, reply);
    },
    check,
    close,
  };
}

function isYes(operation: LedgerOperation, reply: ScriptReply): boolean {
  if (reply.status !== "yes" && reply.status !== "no") throw malformed(operation);
  return reply.status === "yes";
}
