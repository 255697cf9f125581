import type { Cluster, Redis } from "ioredis";
import { describeRedisError } from "./redis-run.ts";

/** Says why this Redis may lose records by evicting them, or why that cannot be told. Nothing: it does not. */
export async function evictionProblem(redis: Redis | Cluster): Promise<string | undefined> {
  return await askAll(redis).catch(describeRedisError);
}

async function askAll(redis: Redis | Cluster): Promise<string | undefined> {
  for (const node of "nodes" in redis ? redis.nodes("master") : [redis]) {
    await node.ping();
    const settings = (await settingsByConfig(node)) ?? (await settingsByInfo(node));
    if (settings === undefined) {
      return "cannot tell whether Redis evicts records: neither CONFIG GET nor INFO memory is permitted";
    }
    if (settings.policy !== "noeviction" && settings.maxmemory !== "0") {
      return `Redis may evict records: maxmemory-policy is ${settings.policy.slice(0, 32)}, it must be noeviction`;
    }
  }
  return undefined;
}

interface MemorySettings {
  readonly policy: string;
  readonly maxmemory: string;
}

/** Nothing where CONFIG is forbidden, as on managed Redis. */
async function settingsByConfig(redis: Redis): Promise<MemorySettings | undefined> {
  // Two calls: Redis before 7 takes one parameter.
  const replies = [
    await unlessRefused(redis.config("GET", "maxmemory-policy")),
    await unlessRefused(redis.config("GET", "maxmemory")),
  ];
  const [policy, maxmemory] = replies.map((reply): unknown =>
    Array.isArray(reply) ? reply[1] : undefined,
  );
  return memorySettings(policy, maxmemory);
}

async function settingsByInfo(redis: Redis): Promise<MemorySettings | undefined> {
  const info = await unlessRefused(redis.info("memory"));
  const field = (name: string): unknown =>
    new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(String(info))?.[1];
  return memorySettings(field("maxmemory_policy"), field("maxmemory"));
}

function memorySettings(policy: unknown, maxmemory: unknown): MemorySettings | undefined {
  if (typeof policy !== "string" || policy === "" || !/^[0-9]+$/.test(String(maxmemory)))
    return undefined;
  return { policy, maxmemory: String(maxmemory) };
}

/** What Redis answered, or nothing when it refused the command; a connection that failed is thrown. */
async function unlessRefused(reply: Promise<unknown>): Promise<unknown> {
  try {
    return await reply;
  } catch (error) {
    if (
      error instanceof Error &&
      error.name === "ReplyError" &&
      /^(NOPERM|ERR)\b/.test(error.message)
    )
      return undefined;
    throw error;
  }
}
