import { setTimeout as sleep } from "node:timers/promises";
import { parseGwei } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Head } from "../../facilitator/chain.ts";
import { startLocalWorld, startRpcProxy, type LocalWorld } from "../../src/testing/index.ts";
import { collect, openChain, until, type Finish } from "./watching.ts";

let world: LocalWorld;

beforeAll(async () => {
  world = await startLocalWorld({ blockTimeSeconds: 0.2 });
});
afterAll(() => world.stop());

async function proxied(finish: Finish): ReturnType<typeof startRpcProxy> {
  const proxy = await startRpcProxy(world.rpcUrl);
  finish(() => proxy.stop());
  return proxy;
}

describe.concurrent("polling", () => {
  it("tells of every head, in order, and measures the block time", async ({
    onTestFinished: finish,
  }) => {
    const proxy = await proxied(finish);
    const chain = openChain(finish, [proxy.url]);
    const heads = collect(chain);
    await until(() => heads.length >= 8);
    const numbers = heads.map(({ number }) => number);
    expect(numbers).toEqual(numbers.toSorted((a, b) => Number(a - b)));
    expect(Number(numbers.at(-1)! - numbers[0]!)).toBeLessThanOrEqual(heads.length + 8);
    expect(chain.blockTimeMs()).toBeGreaterThan(100);
    expect(chain.blockTimeMs()).toBeLessThan(400);

    // A quarter of the block time, so about twenty a second.
    const before = proxy.total;
    await sleep(1000);
    expect(proxy.total - before).toBeGreaterThan(4);
    expect(proxy.total - before).toBeLessThan(35);
  });

  it("one watch serves everybody, a listener that throws harms nobody, and nothing is asked when all are gone", async ({
    onTestFinished: finish,
  }) => {
    const proxy = await proxied(finish);
    const errors: unknown[] = [];
    const chain = openChain(finish, [proxy.url], {
      pollMs: 20,
      onError: (error) => errors.push(error),
    });
    const oops = new Error("oops");
    const seen: string[] = [];
    const endBad = chain.watch(() => {
      throw oops;
    });
    const endGood = chain.watch(() => seen.push("good"));
    await until(() => seen.length >= 2);
    expect(errors.length).toBeGreaterThanOrEqual(2);
    expect(errors[0]).toBe(oops);
    expect(proxy.total).toBeLessThan(80);

    // Asks for what the watch knows already.
    const before = proxy.total;
    const heads = await Promise.all(Array.from({ length: 50 }, () => chain.head()));
    expect(new Set(heads.map(({ hash }) => hash)).size).toBe(1);
    expect(proxy.total - before).toBeLessThan(4);

    endBad();
    endBad();
    endGood();
    await sleep(30);
    const count = proxy.total;
    await sleep(150);
    expect(proxy.total).toBe(count);
    const told = seen.length;
    const again = collect(chain);
    await until(() => again.length >= 2);
    expect(seen.length).toBe(told);
  });

  it("listeners may come and go while they are told", async ({ onTestFinished: finish }) => {
    const chain = openChain(finish, [world.rpcUrl], { pollMs: 20 });
    const heads: Head[] = [];
    const end = chain.watch(() => {
      end();
      chain.watch((head) => heads.push(head));
    });
    await until(() => heads.length >= 2);
  });

  it("goes on after an outage, on the same or another endpoint", async ({
    onTestFinished: finish,
  }) => {
    const [first, second] = [await proxied(finish), await proxied(finish)];
    const chain = openChain(finish, [first.url, second.url], { pollMs: 20 });
    const heads = collect(chain);
    await until(() => heads.length >= 2);
    first.setFault(() => ({ delayMs: 5000 }));
    let count = heads.length;
    await until(() => heads.length >= count + 3);
    second.setFault(() => ({ drop: "before" }));
    await sleep(300);
    first.setFault(undefined);
    second.setFault(undefined);
    count = heads.length;
    await until(() => heads.length >= count + 3);
  });

  it("notices that the endpoint stands still, and goes to another", async ({
    onTestFinished: finish,
  }) => {
    const [first, second] = [await proxied(finish), await proxied(finish)];
    const chain = openChain(finish, [first.url, second.url], { pollMs: 20 });
    const heads = collect(chain);
    await until(() => heads.length >= 3);
    let frozen: unknown;
    first.setFault(async ({ method }, forward) => {
      if (method !== "eth_getBlockByNumber") return undefined;
      frozen ??= await forward();
      return frozen as { result: unknown };
    });
    const count = heads.length;
    await until(() => heads.length >= count + 3, 4000);
    expect(second.counts["eth_getBlockByNumber"]).toBeGreaterThan(3);
  });

  it("is not taken back by an endpoint that lags", async ({ onTestFinished: finish }) => {
    const proxy = await proxied(finish);
    const chain = openChain(finish, [proxy.url], { pollMs: 20 });
    const heads = collect(chain);
    const answers: unknown[] = [];
    let turn = 0;
    proxy.setFault(async ({ method, params }, forward) => {
      if (method !== "eth_getBlockByNumber" || (params as string[])[0] !== "latest")
        return undefined;
      answers.push(await forward());
      // As behind a balancer: every other answer is one of some blocks ago.
      const at = turn++ % 2 === 0 ? answers.length - 1 : Math.max(0, answers.length - 30);
      return answers[at] as { result: unknown };
    });
    await until(() => heads.length >= 8);
    const numbers = heads.map(({ number }) => number);
    expect(numbers).toEqual(numbers.toSorted((a, b) => Number(a - b)));
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it("a nudge after a transaction finds the block of a chain that makes them on demand", async ({
    onTestFinished: finish,
  }) => {
    const onDemand = await startLocalWorld();
    finish(() => onDemand.stop());
    const chain = openChain(finish, [onDemand.rpcUrl]);
    const heads = collect(chain);
    await until(() => heads.length === 1);
    expect(chain.blockTimeMs()).toBe(2000);
    await sleep(50);
    const startMs = Date.now();
    const { account } = onDemand.accounts.facilitator;
    const raw = await account.signTransaction({
      type: "eip1559",
      chainId: onDemand.chainId,
      nonce: 0,
      to: account.address,
      gas: 21_000n,
      maxFeePerGas: parseGwei("5"),
      maxPriorityFeePerGas: 1n,
    });
    expect(await chain.broadcast(raw)).toBe("accepted");
    await until(() => heads.length === 2);
    // A poll comes every 500 ms otherwise.
    expect(Date.now() - startMs).toBeLessThan(400);
  });
});

describe.concurrent("reorganizations", () => {
  it("are told as other hashes at numbers that were told before", async ({
    onTestFinished: finish,
  }) => {
    const own = await startLocalWorld();
    finish(() => own.stop());
    await own.setBlockTime(0.2);
    const chain = openChain(finish, [own.rpcUrl], { pollMs: 20 });
    const heads = collect(chain);
    await until(() => heads.length >= 4);
    await own.reorg(3);
    const count = heads.length;
    await until(() => heads.length >= count + 2);
    const canonical = await Promise.all(
      heads.slice(-2).map(({ number }) => own.client.getBlock({ blockNumber: number })),
    );
    expect(heads.slice(-2).map(({ hash }) => hash)).toEqual(canonical.map(({ hash }) => hash));
    const hashes = heads.map(({ hash }) => hash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it("to fewer blocks are told once they last", async ({ onTestFinished: finish }) => {
    const still = await startLocalWorld();
    finish(() => still.stop());
    const chain = openChain(finish, [still.rpcUrl], { pollMs: 10 });
    const heads = collect(chain);
    const id = await still.snapshot();
    await until(() => heads.length === 1);
    await still.mine(5);
    await until(() => heads.length === 2);
    await still.revert(id);
    await until(() => heads.length === 3);
    expect(heads[2]!.number).toBe(heads[0]!.number);
    await still.mine();
    await until(() => heads.length === 4);
    expect(heads[3]!.number).toBe(heads[0]!.number + 1n);
  });
});
