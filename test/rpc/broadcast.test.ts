import { setTimeout as sleep } from "node:timers/promises";
import { keccak256, parseGwei } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { evmChain, type EvmRpcChain } from "../../facilitator/rpc/evm-chain.ts";
import type { Hex } from "../../src/core/scheme.ts";
import {
  startLocalWorld,
  startRpcProxy,
  type LocalWorld,
  type RpcFault,
  type RpcProxy,
} from "../../src/testing/index.ts";

let world: LocalWorld;
let first: RpcProxy;
let second: RpcProxy;
let chain: EvmRpcChain;

beforeAll(async () => {
  world = await startLocalWorld();
});
afterAll(() => world.stop());
beforeEach(async () => {
  first = await startRpcProxy(world.rpcUrl);
  second = await startRpcProxy(world.rpcUrl);
  chain = open([first.url, second.url]);
});
afterEach(async () => {
  chain.close();
  await Promise.all([first.stop(), second.stop()]);
});

const open = (rpcUrls: string[]): EvmRpcChain =>
  evmChain({ network: world.network, rpcUrls, timeoutMs: 700 });

/** A fault for transactions only. */
const breakSends = (proxy: RpcProxy, fault: RpcFault): void =>
  proxy.setFault(({ method }) => (method === "eth_sendRawTransaction" ? fault : undefined));

async function transaction(nonce?: number): Promise<Hex> {
  const { account, address } = world.accounts.facilitator;
  return account.signTransaction({
    type: "eip1559",
    chainId: world.chainId,
    nonce: nonce ?? (await world.client.getTransactionCount({ address })),
    to: address,
    gas: 21_000n,
    maxFeePerGas: parseGwei("5"),
    maxPriorityFeePerGas: 1n,
  });
}

/** Whether it comes into a block: anvil makes that a little after it answered. */
async function mined(raw: Hex): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    if ((await chain.receipt(keccak256(raw))) !== undefined) return true;
    await sleep(20);
  }
  return false;
}

it.each<[string, RpcFault]>([
  ["silence", { delayMs: 3000 }],
  ["a connection that breaks before", { drop: "before" }],
  ["429", { status: 429 }],
  ["500", { status: 500 }],
  ["HTML", { status: 200, body: "<html>" }],
  ["an internal error", { error: { code: -32603, message: "Internal error" } }],
  ["a limit", { error: { code: 429, message: "compute units" } }],
  ["a full pool", { error: { code: -32000, message: "txpool is full" } }],
  ["a missing method", { error: { code: -32601, message: "Method not found" } }],
  ["null", { result: null }],
  ["no hash", { result: "0x12" }],
])("the next endpoint gets the transaction on %s", async (_name, fault) => {
  await world.setAutomine(false);
  breakSends(first, fault);
  const raw = await transaction();
  expect(await chain.broadcast(raw)).toBe("accepted");
  expect(second.counts["eth_sendRawTransaction"]).toBe(1);
  await world.setAutomine(true);
  await world.mine();
  expect(await mined(raw)).toBe(true);
});

it("one that took it in silence makes it known to the next", async () => {
  await world.setAutomine(false);
  breakSends(first, { drop: "after" });
  const raw = await transaction();
  expect(await chain.broadcast(raw)).toBe("accepted");
  await world.setAutomine(true);
  await world.mine();
  expect(await mined(raw)).toBe(true);
});

it("a refusal does not count when an endpoint before may have taken the transaction", async () => {
  breakSends(first, { drop: "after" });
  const raw = await transaction();
  // It was mined, so for the second endpoint its nonce is too low.
  expect(await chain.broadcast(raw)).toBe("unknown");
  expect(second.counts["eth_sendRawTransaction"]).toBe(1);
  expect(await mined(raw)).toBe(true);
});

it("a refusal counts when the endpoints before were not reached, or have no such method", async () => {
  const dead = await startRpcProxy(world.rpcUrl);
  await dead.stop();
  const own = open([dead.url, first.url, second.url]);
  breakSends(first, { error: { code: -32601, message: "Method not found" } });
  expect(await own.broadcast(await transaction(0))).toBe("nonce_too_low");
  own.close();
});

it("a refusal is the answer, and nobody else is asked", async () => {
  expect(await chain.broadcast(await transaction(0))).toBe("nonce_too_low");
  expect(second.total).toBe(0);
});

it("nothing is known when there is no answer, and nothing is thrown", async () => {
  const raw = await transaction();
  first.setFault(() => ({ status: 500 }));
  second.setFault(() => ({ drop: "before" }));
  expect(await chain.broadcast(raw)).toBe("unknown");
  // Not even the chain id is known, so nothing was sent.
  expect(first.counts["eth_sendRawTransaction"]).toBeUndefined();
  first.setFault(undefined);
  second.setFault(undefined);
  expect(await chain.nonce(world.accounts.payer.address, "latest")).toBe(0);
  breakSends(first, { delayMs: 3000 });
  breakSends(second, { drop: "before" });
  expect(await chain.broadcast(raw)).toBe("unknown");
  expect(await mined(raw)).toBe(true);
});

it("transactions of one turn keep their order", async () => {
  const from = await world.client.getTransactionCount({
    address: world.accounts.facilitator.address,
  });
  const raws = await Promise.all([0, 1, 2, 3, 4].map((at) => transaction(from + at)));
  await chain.head();
  const before = first.httpRequests;
  expect(await Promise.all(raws.map(chain.broadcast))).toEqual(raws.map(() => "accepted"));
  expect(first.httpRequests).toBe(before + 1);
  expect(await mined(raws[4]!)).toBe(true);
});
