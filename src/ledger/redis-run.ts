import type { Cluster, Redis } from "ioredis";
import type { X402Error } from "../core/errors.ts";
import { SETTLEMENT_RECORD_VERSION } from "./ledger.ts";
import type { SettlementRecord } from "./ledger.ts";
import { readyGate } from "./redis-ready.ts";
import { parseRecord } from "./redis-record.ts";
import { HOLD_SCRIPTS } from "./redis-hold-scripts.ts";
import { INDEX_SCRIPTS } from "./redis-index-scripts.ts";
import { LANE_SCRIPTS } from "./redis-lane-scripts.ts";
import { RECORD_SCRIPTS } from "./redis-scripts.ts";
import { gatherWrites } from "./redis-writes.ts";
import { ledgerUnavailable } from "./unavailable.ts";
import type { LedgerOperation, StoreOperation } from "./unavailable.ts";

type Argument = string | number | Buffer;

/** What a script answered: a status, and for some more, for example a hash as HGETALL gives it. */
export interface ScriptReply {
  readonly status: string;
  readonly more: unknown;
  readonly nowMs: unknown;
}

export type RunScript<O extends StoreOperation = LedgerOperation> = (
  operation: O,
  keys: readonly string[],
  ...args: Argument[]
) => Promise<ScriptReply>;

/** The scripts of a store, and the version of the records that they read. */
export interface ScriptSet<O extends StoreOperation> {
  readonly scripts: Readonly<Record<O, string>>;
  readonly version: number;
  /** How many keys they have that do not have one. */
  readonly numberOfKeys?: Readonly<Partial<Record<O, number>>>;
  /** What they answer besides the status is bytes, not text. */
  readonly binary?: boolean;
}

export const LEDGER_SCRIPTS: ScriptSet<LedgerOperation> = {
  scripts: { ...RECORD_SCRIPTS, ...HOLD_SCRIPTS, ...INDEX_SCRIPTS, ...LANE_SCRIPTS },
  version: SETTLEMENT_RECORD_VERSION,
  numberOfKeys: { hold: 2, unhold: 2 },
};

/** Registers the scripts with the client, and answers a function that runs one when there is a connection. */
export function scriptRunner<O extends StoreOperation>(
  redis: Redis | Cluster,
  connectionWaitMs: number,
  { scripts, version, numberOfKeys, binary = false }: ScriptSet<O>,
): RunScript<O> {
  const gate = readyGate(redis, connectionWaitMs);
  const gather = gatherWrites(redis);
  const commandOf = (operation: string): string => `farthingLedger_${operation}`;
  for (const operation of Object.keys(scripts) as O[]) {
    const lua = scripts[operation];
    redis.defineCommand(commandOf(operation), {
      lua,
      numberOfKeys: numberOfKeys?.[operation] ?? 1,
    });
  }
  const commands = redis as unknown as Record<string, (...args: Argument[]) => Promise<unknown>>;

  return async (operation, keys, ...args) => {
    if (!gate.isOpen() && !(await gate.wait())) {
      throw ledgerUnavailable(operation, "no connection to Redis", false);
    }
    gather();
    let reply: unknown;
    try {
      const command = binary ? `${commandOf(operation)}Buffer` : commandOf(operation);
      reply = await commands[command]?.(...keys, ...args);
    } catch (error) {
      throw ledgerUnavailable(operation, describeRedisError(error), true);
    }
    const [word, more, nowMs]: unknown[] = Array.isArray(reply) ? reply : [];
    const status = binary ? String(word) : word;
    if (status === "version") {
      const why = `the record has version ${String(more).slice(0, 16)}, this service reads ${version}`;
      throw ledgerUnavailable(operation, why, true);
    }
    if (typeof status !== "string" || status === "malformed") throw malformed(operation);
    return { status, more, nowMs };
  };
}

/** The answer of a script that says yes or no. */
export function isYes(operation: StoreOperation, { status }: ScriptReply): boolean {
  if (status !== "yes" && status !== "no") throw malformed(operation);
  return status === "yes";
}

/** The record in a reply, for an operation that must have answered one. */
export function recordIn(
  operation: LedgerOperation,
  key: string,
  reply: ScriptReply,
): SettlementRecord {
  const record = parseRecord(key, reply.more);
  if (record === undefined) throw malformed(operation);
  return record;
}

export function malformed(operation: StoreOperation): X402Error {
  return ledgerUnavailable(operation, "the record in Redis is malformed", true);
}

/** What may be said of an error of the client: its kind only, never its text, which may hold addresses or arguments. */
export function describeRedisError(error: unknown): string {
  if (!(error instanceof Error)) return "Redis failed";
  if (error.name === "ReplyError")
    return `Redis refused: ${/^[A-Z]{2,20}\b/.exec(error.message)?.[0] ?? "error"}`;
  if (error.message === "Command timed out") return "Redis did not answer in time";
  const code = "code" in error ? String(error.code) : "";
  return /^E[A-Z_]{2,30}$/.test(code)
    ? `the connection to Redis failed: ${code}`
    : "the connection to Redis failed";
}
