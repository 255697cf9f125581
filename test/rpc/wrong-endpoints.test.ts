import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Hex } from "../../src/core/scheme.ts";
import { type RpcFaultFunction } from "../../src/testing/index.ts";
import {
  always,
  failure,
  first,
  open,
  payer,
  second,
  world,
  useTwoEndpoints,
} from "./two-endpoints.ts";

useTwoEndpoints();

describe("endpoints of another chain", () => {
  const otherChain: RpcFaultFunction = ({ method }) =>
    method === "eth_chainId" ? { result: "0x1" } : undefined;

  it("are not asked, and not told of transactions", async () => {
    const chain = open();
    first.setFault(otherChain);
    expect(await chain.balance(payer)).toBe(0n);
    expect(await chain.balance(payer)).toBe(0n);
    expect(await chain.broadcast("0x12")).toBe("refused");
    expect(first.counts).toEqual({ eth_chainId: 1 });
  });

  it("are noticed", async () => {
    const chain = open();
    expect(await chain.chainId()).toBe(84532);
    first.setFault(otherChain);
    expect((await failure(chain.chainId())).message).toContain("several chains");
    second.setFault(otherChain);
    expect(await chain.chainId()).toBe(1);
    first.setFault(always({ status: 500 }));
    expect(await chain.chainId()).toBe(1);
    second.setFault(always({ status: 500 }));
    await failure(chain.chainId());
  });
});

const rawBlock = async (tag: string): Promise<{ number: Hex; hash: Hex }> =>
  world.client.request({ method: "eth_getBlockByNumber", params: [tag, false] } as never);

describe("an endpoint that stands still", () => {
  it("does not take the head back, unless all say the same", async () => {
    const old = await rawBlock("latest");
    await world.mine(100);
    const chain = open();
    expect((await chain.head()).number).toBe(BigInt(old.number) + 100n);
    const stale: RpcFaultFunction = ({ method }) =>
      method === "eth_getBlockByNumber" ? { result: old } : undefined;
    first.setFault(stale);
    expect((await chain.head()).number).toBe(BigInt(old.number) + 100n);
    expect(second.counts["eth_getBlockByNumber"]).toBe(1);
    // And it is not asked for anything else either.
    const asked = first.total;
    await chain.nonce(payer, "latest");
    expect(first.total).toBe(asked);

    second.setFault(always({ status: 500 }));
    await failure(chain.head());
    second.setFault(stale);
    await sleep(550);
    expect((await chain.head()).hash).toBe(old.hash);
  });

  it("that is a few blocks behind is better than none", async () => {
    const chain = open();
    const { number } = await chain.head();
    await world.mine(10);
    expect((await chain.head()).number).toBe(number + 10n);
    const block = await rawBlock(`0x${number.toString(16)}`);
    first.setFault(({ method }) =>
      method === "eth_getBlockByNumber" ? { result: block } : undefined,
    );
    second.setFault(always({ drop: "before" }));
    expect((await chain.head()).number).toBe(number);
  });
});
