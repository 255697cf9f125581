/** A purchase through a proxy that breaks what a seed says. */
import {
  knownOffers,
  memorySpendStore,
  spendPolicy,
  wrapFetchWithPayment,
} from "../../../src/client/index.ts";
import { exactEvm } from "../../../src/evm/index.ts";
import { callUntilAnswered, notingAccount } from "./call.ts";
import { newPurchase, TIMEOUT_MS, type Purchase } from "./plan.ts";
import { openProxy } from "./proxy.ts";
import { createRandom } from "../../fault/storm.ts";
import { CENT, contentOf, pathOf, payeeOf, type LostWorld } from "./world.ts";

export interface Run {
  readonly name: string;
  readonly purchase: Purchase;
  /** Payees of what was asked for, with what came of it: bytes equal, other bytes, or none. */
  readonly calls: readonly Call[];
  /** Distinct nonces that were signed. */
  readonly signed: number;
  /** What the budget counts; nothing without a store. */
  readonly counted: number | undefined;
  /** States of the payments in the store. */
  readonly states: readonly string[];
  readonly log: readonly string[];
}

export interface Call {
  readonly payee: string;
  readonly delivered: "exact" | "other" | "nothing";
  /** How each try ended. */
  readonly story: readonly string[];
  /** Name of the last error, if there was one. */
  readonly error: string | undefined;
}

const nameOf = (error: unknown): string | undefined =>
  error instanceof Error ? error.name : undefined;

/** @param site where it is bought; default: the site of ours. */
export async function runOnce(
  world: LostWorld,
  seed: number,
  site?: { readonly port: number; path(purchase: Purchase, run: string): string },
): Promise<Run> {
  const purchase = newPurchase(createRandom(seed));
  const { signer, nonces } = notingAccount(world.chain.accounts.payer.account);
  const store = purchase.budgets ? memorySpendStore() : undefined;
  const proxy = await openProxy(site?.port ?? world.port);
  const pay = wrapFetchWithPayment(fetch, {
    schemes: [exactEvm({ account: signer })],
    retry: { attempts: purchase.attempts, timeoutMs: TIMEOUT_MS, maxWaitMs: 1500 },
    ...(store && { store, policy: spendPolicy({ budgets: [{ limit: "$1" }] }) }),
    ...(purchase.payFirst && { payFirst: knownOffers({ hosts: ["127.0.0.1"] }) }),
  });
  const calls: Call[] = [];
  const name = `s${seed}`;
  const url = `${proxy.url}${(site?.path ?? pathOf)(purchase, name)}`;
  const { method, size, sends } = purchase;
  const text = method === "POST" ? `order ${name} ${"x".repeat(seed % 3000)}` : "";
  const init = (): RequestInit =>
    method === "GET"
      ? {}
      : ({
          method,
          body: sends === "text" ? text : new Blob([text]).stream(),
          duplex: "half",
        } as RequestInit);
  const call = async (query: string): Promise<Call> => {
    const got = await callUntilAnswered(() => pay(url + query, init()));
    const wanted = contentOf(name, size, new TextEncoder().encode(text));
    const delivered =
      got.bytes === undefined
        ? "nothing"
        : Buffer.compare(got.bytes, wanted) === 0
          ? "exact"
          : "other";
    return { payee: payeeOf(name), delivered, story: got.story, error: nameOf(got.error) };
  };
  // The offer is known from an undisturbed call.
  if (purchase.payFirst) calls.push(await call("?first"));
  proxy.start(purchase.plan);
  calls.push(await call(""));
  const spends = (await store?.list()) ?? [];
  const run = {
    name,
    purchase,
    calls,
    signed: nonces.size,
    counted: await store?.spent("total", "USD", Date.now()),
    states: spends.map(({ state }) => state),
    log: proxy.log,
  };
  await proxy.stop();
  return run;
}

/** What a store counts for this many payments. */
export const counted = (payments: number): number => payments * CENT;

export async function inParallel<T>(
  count: number,
  width: number,
  task: (index: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next++;
      results[index] = await task(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, worker));
  return results;
}
