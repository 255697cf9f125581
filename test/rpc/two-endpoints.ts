/** A chain behind two endpoints that break on demand, new for every test of a file. */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import {
  evmChain,
  type EvmChainOptions,
  type EvmRpcChain,
} from "../../facilitator/rpc/evm-chain.ts";
import { X402Error } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/scheme.ts";
import {
  startLocalWorld,
  startRpcProxy,
  type LocalWorld,
  type RpcFaultFunction,
  type RpcProxy,
} from "../../src/testing/index.ts";

export const NETWORK = "eip155:84532";
export let world: LocalWorld;
export let first: RpcProxy;
export let second: RpcProxy;
export let payer: Hex;
const chains: EvmRpcChain[] = [];

/** To be called once at the top of a file. */
export function useTwoEndpoints(): void {
  beforeAll(async () => {
    world = await startLocalWorld();
    payer = world.accounts.payer.address.toLowerCase() as Hex;
  });
  afterAll(() => world.stop());
  beforeEach(async () => {
    first = await startRpcProxy(world.rpcUrl);
    second = await startRpcProxy(world.rpcUrl);
  });
  afterEach(async () => {
    for (const chain of chains.splice(0)) chain.close();
    await Promise.all([first.stop(), second.stop()]);
  });
}

/** A chain over both endpoints, or as the options say; closed after the test. */
export function open(options: Partial<EvmChainOptions> = {}): EvmRpcChain {
  const rpcUrls = [first.url, second.url];
  const chain = evmChain({ network: NETWORK, rpcUrls, timeoutMs: 1500, ...options });
  chains.push(chain);
  return chain;
}

export const always =
  (fault: Awaited<ReturnType<RpcFaultFunction>>): RpcFaultFunction =>
  () =>
    fault;

export async function failure(promise: Promise<unknown>): Promise<X402Error> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(X402Error);
  return error as X402Error;
}
