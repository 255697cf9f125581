import { setTimeout as sleep } from "node:timers/promises";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import { redisLedger } from "../../src/ledger/redis.ts";
import type { LedgerWorld } from "./world.ts";

/** Two ledgers on the same Redis, each with a connection of its own. */
export function redisWorld(url: string): LedgerWorld {
  const [ledger, replica] = [redisLedger(connectRedis(url)), redisLedger(connectRedis(url))];
  return {
    ledger,
    replica,
    advance: (ms) => sleep(ms + 5),
    stop: async () => {
      await ledger.close();
      await replica.close();
    },
  };
}
