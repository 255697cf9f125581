import { Redis } from "ioredis";
import { redisLedgerOptions } from "./redis-options.ts";

/**
 * A Redis client for `redisLedger`, from a `redis:` or `rediss:` URL. Connects with the first operation and again
 * whenever the connection is lost. Parameters of the URL cannot override what the ledger relies on.
 */
export function connectRedis(url: string): Redis {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !["redis:", "rediss:"].includes(parsed.protocol)) {
    throw new TypeError("the Redis URL does not begin with redis:// or rediss://, or is not a URL"); // never its text
  }
  for (const name of Object.keys(redisLedgerOptions)) parsed.searchParams.delete(name);
  const redis = new Redis(parsed.href, redisLedgerOptions);
  // Without a listener ioredis writes errors to the console. Every failed operation says so by itself.
  redis.on("error", () => undefined);
  return redis;
}
