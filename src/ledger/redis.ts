import type { Cluster, Redis } from "ioredis";
import {
  assertAdoption,
  assertClaimant,
  assertClaimInput,
  assertHold,
  assertHoldName,
  assertIndex,
  assertKey,
  assertOwner,
  assertRenewal,
  assertTransition,
  TRANSITION_FIELDS,
} from "./input.ts";
import type { Claim, ClaimInput, Ledger, Transition } from "./ledger.ts";
import { newRecord } from "./record.ts";
import { evictionProblem } from "./redis-check.ts";
import { redisLanes } from "./redis-lanes.ts";
import { closeRedis } from "./redis-ready.ts";
import { parseWholeNumber } from "./redis-record.ts";
import { isYes, LEDGER_SCRIPTS, malformed, recordIn, scriptRunner } from "./redis-run.ts";
import type { RunScript } from "./redis-run.ts";
import { ledgerUnavailable } from "./unavailable.ts";

export { redisClaims } from "./redis-claims.ts";
export type { RedisClaimsOptions, RedisClaimStore } from "./redis-claims.ts";
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
  const runScript = scriptRunner(redis, connectionWaitMs, LEDGER_SCRIPTS);
  let closed = false;
  const keysOf = (key: string): string[] => [`${prefix}:settlement:{${key}}`];
  const indexKeysOf = (transaction: string): string[] => [`${prefix}:transaction:{${transaction}}`];
  // The tag is not empty even if the account begins with a brace: both keys are in one slot.
  const holdKeysOf = (account: string): string[] =>
    ["amounts", "ends"].map((part) => `${prefix}:{holds:${account}}:${part}`);

  const run: RunScript = async (operation, ...rest) => {
    if (closed) throw ledgerUnavailable(operation, "the ledger is closed", false);
    return await runScript(operation, ...rest);
  };

  async function claim(input: ClaimInput): Promise<Claim> {
    assertClaimInput(input);
    const { key, claimant, requirementsHash, payment, token, leaseMs, ttlMs } = input;
    const reply = await run(
      "claim",
      keysOf(key),
      claimant,
      requirementsHash,
      payment,
      token,
      leaseMs,
      ttlMs,
      key,
    );
    const { status } = reply;
    if (status === "new") {
      const [fence, nowMs] = [parseWholeNumber(reply.more), parseWholeNumber(reply.nowMs)];
      if (fence === undefined || nowMs === undefined) throw malformed("claim");
      return { status: "claimed", record: newRecord(input, fence, nowMs) };
    }
    const record = recordIn("claim", key, reply);
    if (status === "claimed" || status === "held" || status === "final") return { status, record };
    throw malformed("claim");
  }

  async function advance(key: string, transition: Transition): Promise<boolean> {
    assertTransition(key, transition);
    const facts = TRANSITION_FIELDS.flatMap((name) => {
      const value = transition[name];
      return value === undefined ? [] : [name, value];
    });
    const reply = await run(
      "advance",
      keysOf(key),
      transition.fence,
      transition.to,
      transition.reopens ?? "",
      ...facts,
    );
    return isYes("advance", reply);
  }

  async function check(): Promise<void> {
    await run("check", [`${prefix}:check`]);
    const problem = await evictionProblem(redis);
    if (problem !== undefined) throw ledgerUnavailable("check", problem, false);
  }

  async function close(): Promise<void> {
    closed = true;
    await closeRedis(redis);
  }

  return {
    claim,
    advance,
    adopt: async (key, fence, transaction) => {
      assertAdoption(key, fence, transaction);
      const reply = await run("adopt", keysOf(key), fence, transaction);
      return reply.status === "none" ? undefined : recordIn("adopt", key, reply);
    },
    renew: async (key, fence, leaseMs) => {
      assertRenewal(key, fence, leaseMs);
      return isYes("renew", await run("renew", keysOf(key), fence, leaseMs));
    },
    release: async (key, fence) => {
      assertOwner(key, fence);
      return isYes("release", await run("release", keysOf(key), fence));
    },
    handOut: async (key, claimant, requirementsHash, token) => {
      assertClaimant(key, claimant, requirementsHash, token);
      return isYes("handOut", await run("handOut", keysOf(key), claimant, requirementsHash, token));
    },
    get: async (key) => {
      assertKey(key);
      const reply = await run("get", keysOf(key));
      return reply.status === "none" ? undefined : recordIn("get", key, reply);
    },
    index: async (transaction, keys, ttlMs) => {
      assertIndex(transaction, keys, ttlMs);
      const reply = await run("index", indexKeysOf(transaction), JSON.stringify(keys), ttlMs);
      isYes("index", reply);
    },
    paymentsOf: async (transaction) => {
      assertKey(transaction);
      const { status, more } = await run("paymentsOf", indexKeysOf(transaction));
      return status === "none" ? [] : parseKeys(more);
    },
    hold: async (hold) => {
      assertHold(hold);
      const { account, id, amount, available, ttlMs } = hold;
      const keys = holdKeysOf(account);
      return isYes("hold", await run("hold", keys, id, `${amount}`, `${available}`, ttlMs));
    },
    unhold: async (account, id) => {
      assertHoldName(account, id);
      isYes("unhold", await run("unhold", holdKeysOf(account), id));
    },
    lanes: redisLanes(run, prefix),
    check,
    close,
  };
}

function parseKeys(text: unknown): string[] {
  let keys: unknown;
  try {
    keys = JSON.parse(String(text));
  } catch {
    throw malformed("paymentsOf");
  }
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === "string"))
    throw malformed("paymentsOf");
  return keys;
}
