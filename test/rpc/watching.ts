import { setTimeout as sleep } from "node:timers/promises";
import type { onTestFinished } from "vitest";
import type { Head } from "../../facilitator/chain.ts";
import {
  evmChain,
  type EvmChainOptions,
  type EvmRpcChain,
} from "../../facilitator/rpc/evm-chain.ts";

/** When a test is over: for tests that run at the same time. */
export type Finish = typeof onTestFinished;

/** A chain for one test. */
export function openChain(
  finish: Finish,
  rpcUrls: readonly string[],
  options: Partial<EvmChainOptions> = {},
): EvmRpcChain {
  const chain = evmChain({ network: "eip155:84532", rpcUrls, timeoutMs: 300, ...options });
  finish(() => chain.close());
  return chain;
}

/** All heads that the chain tells of from now on. */
export function collect(chain: EvmRpcChain): Head[] {
  const heads: Head[] = [];
  chain.watch((head) => heads.push(head));
  return heads;
}

/** Waits until something is so, and fails after a while. */
export async function until(condition: () => boolean, ms = 5000): Promise<void> {
  const endMs = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > endMs) throw new Error(`not so after ${ms} ms: ${String(condition)}`);
    await sleep(5);
  }
}
