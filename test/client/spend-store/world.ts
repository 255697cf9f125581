import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileSpendStore } from "../../../src/client/file-spend-store.ts";
import { memorySpendStore } from "../../../src/client/memory-spend-store.ts";
import { redisSpendStore } from "../../../src/client/redis-spend-store.ts";
import type { Spend, SpendLimit, SpendStore } from "../../../src/client/spend-store.ts";
import { connectRedis } from "../../../src/ledger/connect-redis.ts";

/** Stores of one wallet, and their clock. */
export interface SpendWorld {
  readonly name: string;
  readonly store: SpendStore;
  /** Another handle on the same payments, as another process has. */
  readonly replica: SpendStore;
  readonly stop: () => Promise<void>;
}

export const LEASE_MS = 10_000;
/** The beginning of an hour. */
export const START_MS = 472_222 * 3_600_000;

/** The clock of all stores. */
export const clock = { ms: START_MS };

let counter = 0;

export function unique(what: string): string {
  return `${what}-${process.pid}-${++counter}`;
}

/** A payment of 30 cents that is made now. */
export function spendOf(change: Partial<Spend> = {}): Spend {
  return {
    id: unique("spend"),
    atMs: clock.ms,
    state: "reserved",
    unit: "USD",
    value: 300_000,
    url: "https://shop.example/report?day=1",
    method: "GET",
    host: "shop.example",
    scheme: "exact",
    network: "eip155:84532",
    asset: "0x036cbd53842c5426634e7929541ec2318f3dcf7e",
    amount: "300000",
    payTo: "0x2222222222222222222222222222222222222222",
    expiresAtMs: clock.ms + 300_000,
    owner: "alice",
    leaseUntilMs: clock.ms + LEASE_MS,
    ...change,
  };
}

/** A dollar in total. */
export function dollar(change: Partial<SpendLimit> = {}): SpendLimit {
  return { scope: "total", unit: "USD", max: 1_000_000, ...change };
}

export async function memoryWorld(): Promise<SpendWorld> {
  const store = memorySpendStore();
  return { name: "memory", store, replica: store, stop: async () => undefined };
}

/** A folder that is removed by `stop`. */
export function newFolder() {
  const folder = mkdtempSync(join(tmpdir(), "farthing-spend-"));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** @param compactBytes small, for files that are replaced all the time. */
export async function fileWorld(compactBytes?: number): Promise<SpendWorld> {
  const { folder, remove } = newFolder();
  const path = join(folder, "agent", "spend.jsonl");
  const open = () => fileSpendStore(path, compactBytes === undefined ? {} : { compactBytes });
  const [store, replica] = [open(), open()];
  return {
    name: "file",
    store,
    replica,
    stop: async () => {
      await Promise.all([store.close(), replica.close()]);
      remove();
    },
  };
}

export async function redisWorld(url: string): Promise<SpendWorld> {
  const wallet = unique("wallet");
  const open = () => redisSpendStore(connectRedis(url), { wallet, now: () => clock.ms });
  const [store, replica] = [open(), open()];
  return {
    name: "redis",
    store,
    replica,
    stop: async () => void (await Promise.all([store.close(), replica.close()])),
  };
}
