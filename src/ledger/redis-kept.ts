import type { Cluster, Redis } from "ioredis";
import { evictionProblem } from "./redis-check.ts";
import { closeRedis, readyGate } from "./redis-ready.ts";
import { scriptRunner } from "./redis-run.ts";
import type { RunScript, ScriptSet } from "./redis-run.ts";
import { ledgerUnavailable } from "./unavailable.ts";
import type { StoreOperation } from "./unavailable.ts";

/** Runs scripts in a Redis that is known to keep what is written. */
export interface KeptRunner<O extends StoreOperation> {
  readonly run: RunScript<O>;
  /** Runs this script, and asks anew beforehand whether Redis evicts. */
  check(operation: O, keys: readonly string[]): Promise<void>;
  /** Ends the client, after the replies that are still due; every operation fails from then on. */
  close(): Promise<void>;
}

/** Nothing succeeds until Redis was asked once whether it evicts, and it does not. */
export function keptRunner<O extends StoreOperation>(
  redis: Redis | Cluster,
  connectionWaitMs: number,
  scripts: ScriptSet<O>,
): KeptRunner<O> {
  const runScript = scriptRunner(redis, connectionWaitMs, scripts);
  const gate = readyGate(redis, connectionWaitMs);
  let closed = false;
  let eviction: Promise<string | undefined> | undefined;

  /** Asks once, for all operations, and again after it was refused. */
  async function assertKept(operation: O): Promise<void> {
    if (eviction === undefined && !(await gate.wait()))
      throw ledgerUnavailable(operation, "no connection to Redis", false);
    eviction ??= evictionProblem(redis);
    const problem = await eviction;
    if (problem === undefined) return;
    eviction = undefined;
    throw ledgerUnavailable(operation, problem, false);
  }

  const run: RunScript<O> = async (operation, ...rest) => {
    if (closed) throw ledgerUnavailable(operation, "the store is closed", false);
    await assertKept(operation);
    return await runScript(operation, ...rest);
  };

  return {
    run,
    async check(operation, keys) {
      eviction = undefined; // asks again
      await run(operation, keys);
    },
    async close() {
      closed = true;
      await closeRedis(redis);
    },
  };
}
