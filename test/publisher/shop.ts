/**
 * A publisher as a process of its own, with its claims in Redis; run by `world.ts`. Kills itself with SIGKILL at a step
 * when told to. Prints where it listens.
 */
import { writeSync } from "node:fs";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { Redis } from "ioredis";
import { paywall } from "../../src/adapters/hono.ts";
import type { Facilitator } from "../../src/core/facilitator.ts";
import { exactEvm } from "../../src/evm/index.ts";
import type { ClaimStore } from "../../src/ledger/claims.ts";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import { redisClaims } from "../../src/ledger/redis-claims.ts";
import { httpFacilitator } from "../../src/server/index.ts";

export interface ShopConfig {
  readonly redisUrl: string;
  readonly facilitatorUrl: string;
  readonly payTo: string;
  /** Of this shop's keys in Redis; servers of one shop share it. */
  readonly prefix: string;
  readonly leaseMs: number;
  /** Dies at this step: the n-th (from 1) of `before get`, `after settle` and so on. */
  readonly killAt?: { readonly step: string; readonly nth: number };
  /** How long a handler takes. */
  readonly handlerMs?: number;
}

const config = JSON.parse(process.env["SHOP"] ?? "") as ShopConfig;
process.stdin.on("end", () => process.exit()).resume();

/** What the test counts by, apart from what is tested. */
const tally = new Redis(config.redisUrl);
const seen = new Map<string, number>();

async function step(name: string): Promise<void> {
  const nth = (seen.get(name) ?? 0) + 1;
  seen.set(name, nth);
  await tally.rpush(`${config.prefix}:steps`, `${name} ${nth}`);
  if (config.killAt?.step !== name || config.killAt.nth !== nth) return;
  process.kill(process.pid, "SIGKILL");
  await new Promise(() => undefined);
}

/** The same functions with a step before and after each call. */
function stepped<T extends object>(target: T, names: readonly (keyof T & string)[]): T {
  const wrapped = { ...target } as Record<string, unknown>;
  for (const name of names) {
    const call = target[name] as (...args: unknown[]) => unknown;
    wrapped[name] = async (...args: unknown[]) => {
      await step(`before ${name}`);
      const value = await call(...args);
      await step(`after ${name}`);
      return value;
    };
  }
  return wrapped as T;
}

const claims: ClaimStore = stepped(
  redisClaims(connectRedis(config.redisUrl), {
    prefix: `${config.prefix}:claims`,
    leaseMs: config.leaseMs,
  }),
  ["get", "claim", "resume", "write", "forget"],
);
const facilitator: Facilitator = stepped(httpFacilitator(config.facilitatorUrl), [
  "verify",
  "settle",
]);

const paid = paywall({
  facilitator,
  schemes: [exactEvm()],
  network: "eip155:84532",
  payTo: config.payTo,
  claims,
  baseUrl: "https://shop.example",
  onEvent(event) {
    if (event.type === "dependency_failed" || event.type === "hook_failed") console.error(event);
  },
});

async function handler(): Promise<Response> {
  await step("before handler");
  const run = await tally.incr(`${config.prefix}:runs`);
  await new Promise((resolve) => setTimeout(resolve, config.handlerMs ?? 0));
  await step("after handler");
  return new Response(`answer ${run}`);
}

const app = new Hono();
app.get("/report", paid("$0.01"), handler);
app.post("/order", paid("$0.01"), handler);

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
  writeSync(1, `http://127.0.0.1:${port}\n`);
});
