import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { evmChain, type EvmChainOptions } from "../../facilitator/rpc/evm-chain.ts";
import type { Hex } from "../../src/core/scheme.ts";
import { type RpcFaultFunction } from "../../src/testing/index.ts";
import {
  always,
  failure,
  first,
  NETWORK,
  open,
  payer,
  second,
  world,
  useTwoEndpoints,
} from "./two-endpoints.ts";

useTwoEndpoints();

const FAULTS: readonly (readonly [string, RpcFaultFunction])[] = [
  ["silence", always({ delayMs: 5000 })],
  ["a connection that breaks before", always({ drop: "before" })],
  ["a connection that breaks after", always({ drop: "after" })],
  ["429", always({ status: 429, body: "slow down" })],
  ["500", always({ status: 500, body: "oops" })],
  ["HTML", always({ status: 200, body: "<html>sign in</html>" })],
  ["a body that never ends", always({ status: 200, body: "[".repeat(40_000_000) })],
  ["the id of another", always({ status: 200, body: '{"jsonrpc":"2.0","id":77,"result":"0x1"}' })],
  ["a limit", always({ error: { code: -32005, message: "request rate exceeded" } })],
  ["a missing method", always({ error: { code: -32601, message: "Method not found" } })],
  ["a node that is not in sync", always({ error: { code: -32000, message: "header not found" } })],
  ["an internal error", always({ error: { code: -32603, message: "Internal error" } })],
  ["null", always({ result: null })],
  ["a number", always({ result: 5 })],
  ["text", always({ result: "0xzz" })],
];

describe("a read", () => {
  it.each(FAULTS)("goes to the next endpoint on %s", async (name, fault) => {
    const chain = open(name === "silence" ? { timeoutMs: 700 } : {});
    first.setFault(fault);
    expect(await chain.balance(payer)).toBe(0n);
    expect(first.total).toBe(1);
    expect(second.total).toBeGreaterThan(0);
    expect(chain.stats()[0]!.methods["eth_chainId"]).toEqual({
      calls: 1,
      failures: expect.any(Number),
    });
  });

  it.each(FAULTS)("fails without a word about addresses on %s everywhere", async (_name, fault) => {
    const chain = open({ timeoutMs: 700 });
    await chain.balance(payer);
    first.setFault(fault);
    second.setFault(fault);
    const startMs = Date.now();
    const error = await failure(chain.balance(payer));
    expect(Date.now() - startMs).toBeLessThan(4000);
    expect(error).toMatchObject({ code: "rpc_unavailable", retry: "safe" });
    expect(`${error.message} ${JSON.stringify(error)} ${String(error.cause)}`).not.toMatch(
      /127\.0|localhost|http:/,
    );
    expect(error.message).toContain("endpoint 1");
  });

  it("leaves an endpoint alone that failed, and comes back once it works, without a request that waits", async () => {
    const chain = open({ timeoutMs: 400 });
    await chain.balance(payer);
    expect(second.total).toBe(0);
    first.setFault(always({ delayMs: 5000 }));
    await chain.balance(payer);
    const asked = first.total;
    const startMs = Date.now();
    for (let i = 0; i < 5; i++) await chain.balance(payer);
    expect(Date.now() - startMs).toBeLessThan(2000);
    expect(first.total).toBe(asked);

    first.setFault(undefined);
    await sleep(550);
    await chain.balance(payer);
    while (chain.stats()[0]!.failures > 0) await sleep(10);
    const before = second.total;
    await chain.balance(payer);
    expect(second.total).toBe(before);
    expect(chain.stats()[0]).toMatchObject({ failures: 0, asideMs: 0 });
  });

  it("leaves an endpoint alone that answers nothing but errors", async () => {
    const chain = open();
    await chain.balance(payer);
    first.setFault(always({ error: { code: -32603, message: "Internal error" } }));
    for (let i = 0; i < 5; i++) await chain.balance(payer);
    const asked = first.total;
    await chain.balance(payer);
    expect(first.total).toBe(asked);
  });

  it("asks the first one only, as long as it answers, and a revert is an answer", async () => {
    const chain = open();
    const call = { to: world.token.toLowerCase() as Hex, data: "0xdeadbeef" as Hex };
    expect(await chain.call(call)).toEqual({ ok: false, data: "0x" });
    first.setFault(
      always({ error: { code: 3, message: "execution reverted: rate limit", data: "0x08c3" } }),
    );
    expect(await chain.call(call)).toEqual({ ok: false, data: "0x08c3" });
    first.setFault(
      always({ error: { code: -32015, message: "VM execution error.", data: "Reverted 0x08C4" } }),
    );
    expect(await chain.call(call)).toEqual({ ok: false, data: "0x08c4" });
    first.setFault(always({ error: { code: -32602, message: "invalid params" } }));
    expect(await failure(chain.call(call))).toMatchObject({ code: "rpc_unavailable" });
    expect(second.total).toBe(0);
    expect(chain.stats()[0]!.failures).toBe(0);
  });

  it("asks a single endpoint again", async () => {
    const chain = open({ rpcUrls: [first.url] });
    let failures = 2;
    first.setFault(({ method }) =>
      method === "eth_getBalance" && failures-- > 0 ? { status: 502, body: "" } : undefined,
    );
    expect(await chain.balance(payer)).toBe(0n);
    expect(first.counts["eth_getBalance"]).toBe(3);
  });

  it("waits as long as a limit asks for, or gives up at once if that is too long", async () => {
    const chain = open({ rpcUrls: [first.url], timeoutMs: 3000 });
    await chain.balance(payer);
    let retryAfter = "1";
    let limited = true;
    first.setFault(() => {
      if (!limited) return undefined;
      limited = false;
      return { status: 429, headers: { "retry-after": retryAfter } };
    });
    const startMs = Date.now();
    expect(await chain.balance(payer)).toBe(0n);
    expect(Date.now() - startMs).toBeGreaterThanOrEqual(990);

    retryAfter = "20";
    limited = true;
    const asked = first.total;
    await failure(chain.balance(payer));
    await failure(chain.balance(payer));
    expect(first.total).toBe(asked + 1);
    expect(chain.stats()[0]!.asideMs).toBeGreaterThan(18_000);
  });

  it("fails over for those of a batch that failed, and only for them", async () => {
    const chain = open();
    await chain.balance(payer);
    first.setFault(({ params }) =>
      (params as string[])[0] === "0x0000000000000000000000000000000000000003"
        ? { error: { code: 429, message: "limit" } }
        : undefined,
    );
    const addresses = [1, 2, 3, 4].map((n) => `0x${String(n).padStart(40, "0")}` as const);
    expect(await Promise.all(addresses.map(chain.balance))).toEqual([0n, 0n, 0n, 0n]);
    expect(first.httpRequests).toBe(3);
    expect(second.counts["eth_getBalance"]).toBe(1);
  });
});

describe("options", () => {
  it("that are wrong are mistakes, told without the URL", () => {
    const bad = (options: Partial<EvmChainOptions>): unknown => {
      try {
        return evmChain({ network: NETWORK, rpcUrls: [first.url], ...options });
      } catch (error) {
        return error;
      }
    };
    expect(bad({ network: "solana:x" })).toBeInstanceOf(TypeError);
    expect(bad({ rpcUrls: [] })).toBeInstanceOf(TypeError);
    expect(bad({ rpcUrls: ["wss://host/secret"] })).toBeInstanceOf(TypeError);
    const error = bad({ rpcUrls: [first.url, "secret"] });
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toBe(
      "endpoint 2 of rpcUrls is not an http, https, ws or wss URL",
    );
  });

  it("a closed chain asks nothing", async () => {
    const chain = open();
    await chain.balance(payer);
    chain.close();
    const asked = first.total;
    await failure(chain.balance(payer));
    expect(await chain.broadcast("0x12")).toBe("unknown");
    expect(first.total).toBe(asked);
  });
});
