import { parseGwei } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Head, Receipt } from "../../facilitator/chain.ts";
import {
  evmChain,
  type EvmChainOptions,
  type EvmRpcChain,
} from "../../facilitator/rpc/evm-chain.ts";
import { X402Error } from "../../src/core/errors.ts";
import {
  startLocalWorld,
  startRpcProxy,
  type LocalWorld,
  type RpcAnswer,
  type RpcFaultFunction,
  type RpcProxy,
} from "../../src/testing/index.ts";

let world: LocalWorld;
let first: RpcProxy;
let second: RpcProxy;
const chains: EvmRpcChain[] = [];

beforeAll(async () => {
  world = await startLocalWorld();
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

function open(rpcUrls: string[], options: Partial<EvmChainOptions> = {}): EvmRpcChain {
  const chain = evmChain({ network: world.network, rpcUrls, timeoutMs: 1000, ...options });
  chains.push(chain);
  return chain;
}

describe("receipts of a block", () => {
  let head: Head;
  let expected: readonly Receipt[];

  beforeAll(async () => {
    const { account, address } = world.accounts.facilitator;
    await world.setAutomine(false);
    const nonce = await world.client.getTransactionCount({ address });
    for (let at = 0; at < 3; at++) {
      const serializedTransaction = await account.signTransaction({
        type: "eip1559",
        chainId: world.chainId,
        nonce: nonce + at,
        to: address,
        gas: 21_000n,
        maxFeePerGas: parseGwei("50"),
        maxPriorityFeePerGas: 1n,
      });
      await world.client.sendRawTransaction({ serializedTransaction });
    }
    const funded = world.fundToken(address, 1n);
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    await world.mine();
    await funded;
    await world.setAutomine(true);
    const chain = open([world.rpcUrl]);
    head = await chain.head();
    expected = await chain.blockReceipts(head);
  });

  it("are all there", () => {
    expect(expected).toHaveLength(4);
    expect(expected.flatMap(({ logs }) => logs)).toHaveLength(1);
  });

  const onReceipts =
    (
      fault: (forward: () => Promise<RpcAnswer>, params: unknown[]) => ReturnType<RpcFaultFunction>,
    ) =>
    (...[{ method, params }, forward]: Parameters<RpcFaultFunction>) =>
      method === "eth_getBlockReceipts" ? fault(forward, params as unknown[]) : undefined;

  const missing = { error: { code: -32601, message: "Method not found" } };

  it("are read one by one where the method is missing, which is remembered", async () => {
    const chain = open([first.url]);
    first.setFault(onReceipts(() => missing));
    expect(await chain.blockReceipts(head)).toEqual(expected);
    const before = first.httpRequests;
    expect(await chain.blockReceipts(head)).toEqual(expected);
    expect(first.counts["eth_getBlockReceipts"]).toBe(1);
    // The block, and the receipts in one batch.
    expect(first.httpRequests - before).toBe(2);
  });

  it.each([
    { code: -32602, message: "Invalid params" },
    { code: -32000, message: "method handler crashed" },
  ])(
    "are read by number where hashes are refused with $message, which is remembered",
    async (error) => {
      const chain = open([first.url]);
      first.setFault(
        onReceipts((_forward, [block]) => (String(block).length > 20 ? { error } : undefined)),
      );
      expect(await chain.blockReceipts(head)).toEqual(expected);
      expect(await chain.blockReceipts(head)).toEqual(expected);
      expect(first.counts["eth_getBlockReceipts"]).toBe(3);
    },
  );

  it.each<[string, (receipts: any[]) => unknown]>([
    [
      "of another block",
      (receipts) => receipts.map((item) => ({ ...item, blockHash: head.parentHash })),
    ],
    [
      "with one of another block",
      (receipts) => [receipts[0], { ...receipts[1], blockHash: head.parentHash }],
    ],
    ["with one twice", (receipts) => [...receipts, receipts[0]]],
    ["that are none", () => [{}]],
    ["that are null", () => null],
    ["that are empty too early", () => []],
  ])("%s are not believed", async (_name, change) => {
    const chain = open([first.url, second.url]);
    first.setFault(
      onReceipts(async (forward) => {
        const answer = (await forward()) as { result: any[] };
        return { result: change(answer.result) };
      }),
    );
    expect(await chain.blockReceipts(head)).toEqual(expected);
    expect(second.counts["eth_getBlockReceipts"]).toBe(1);
  });

  it("are waited for a little, for not every node behind a URL has the block at once", async () => {
    const chain = open([first.url]);
    let early = 3;
    first.setFault(onReceipts(() => (early-- > 0 ? { result: null } : undefined)));
    expect(await chain.blockReceipts(head)).toEqual(expected);
  });

  it("of a block that is not there are no receipts, but an error", async () => {
    const chain = open([first.url], { timeoutMs: 100 });
    await expect(chain.blockReceipts({ ...head, hash: `0x${"12".repeat(32)}` })).rejects.toThrow(
      X402Error,
    );
    first.setFault(onReceipts(() => missing));
    await expect(chain.blockReceipts({ ...head, hash: `0x${"12".repeat(32)}` })).rejects.toThrow(
      X402Error,
    );
  });

  it("of an empty block are empty", async () => {
    const chain = open([first.url]);
    await world.mine();
    expect(await chain.blockReceipts(await chain.head())).toEqual([]);
    first.setFault(onReceipts(() => missing));
    expect(await chain.blockReceipts(await chain.head())).toEqual([]);
  });
});

describe("headers", () => {
  it("are those of the number that was asked for", async () => {
    const chain = open([first.url, second.url]);
    const head = await chain.head();
    first.setFault(async (_request, forward) => {
      const answer = (await forward()) as { result: object };
      return { result: { ...answer.result, number: "0x1" } };
    });
    expect(await chain.block(head.number)).toEqual(head);
  });

  it("finalized is 0 when the chain does not say", async () => {
    const chain = open([first.url]);
    await world.mine(70);
    const { number } = await chain.head();
    expect(await chain.finalized()).toBe(number - 64n);
    first.setFault(({ params }) =>
      (params as string[])[0] === "finalized"
        ? { error: { code: -39001, message: "finalized block not found" } }
        : undefined,
    );
    expect(await chain.finalized()).toBe(0n);
    first.setFault(({ params }) =>
      (params as string[])[0] === "finalized" ? { result: null } : undefined,
    );
    expect(await chain.finalized()).toBe(0n);
    first.setFault(() => ({ status: 500 }));
    await expect(chain.finalized()).rejects.toThrow(X402Error);
  });
});

describe("fees", () => {
  const GWEI = 10n ** 9n;
  const baseFee = async (wei: bigint): Promise<void> => {
    await world.client.setNextBlockBaseFeePerGas({ baseFeePerGas: wei });
    await world.mine();
  };

  it("follow the base fee up to the ceiling", async () => {
    const chain = open([world.rpcUrl], { feeCeiling: 100n * GWEI });
    expect(chain.feeCeiling).toBe(100n * GWEI);
    await baseFee(7n * GWEI);
    const low = await chain.fees();
    expect(low.maxFeePerGas - low.maxPriorityFeePerGas).toBe(14n * GWEI);
    await baseFee(49n * GWEI);
    expect((await chain.fees()).maxFeePerGas <= 100n * GWEI).toBe(true);
    await baseFee(400n * GWEI);
    expect((await chain.fees()).maxFeePerGas).toBe(100n * GWEI);
    await baseFee(GWEI);
  });

  it("ask for the tip once a head, bound it, and do without where there is no method", async () => {
    const chain = open([first.url]);
    let tip: RpcAnswer = { result: "0x3b9aca01" };
    first.setFault(({ method }) => (method === "eth_maxPriorityFeePerGas" ? tip : undefined));
    const all = await Promise.all(Array.from({ length: 20 }, () => chain.fees()));
    expect(new Set(all.map(({ maxPriorityFeePerGas }) => maxPriorityFeePerGas))).toEqual(
      new Set([GWEI + 1n]),
    );
    expect(first.counts["eth_maxPriorityFeePerGas"]).toBe(1);

    tip = { result: `0x${(10n ** 18n).toString(16)}` };
    await world.mine();
    expect((await chain.fees()).maxPriorityFeePerGas).toBe(chain.feeCeiling / 4n);

    tip = {
      error: { code: -32601, message: "the method eth_maxPriorityFeePerGas does not exist" },
    };
    for (let at = 0; at < 3; at++) {
      await world.mine();
      const startMs = Date.now();
      expect((await chain.fees()).maxPriorityFeePerGas).toBe(1_000_000n);
      expect(Date.now() - startMs).toBeLessThan(1000);
    }
    expect(first.counts["eth_maxPriorityFeePerGas"]).toBe(3);
  });

  it("fail when there is no head", async () => {
    const chain = open([first.url], { timeoutMs: 100 });
    first.setFault(() => ({ drop: "before" }));
    await expect(chain.fees()).rejects.toThrow(X402Error);
  });
});
