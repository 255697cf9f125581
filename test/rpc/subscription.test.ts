import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  startAnvil,
  startLocalWorld,
  startRpcProxy,
  type LocalWorld,
} from "../../src/testing/index.ts";
import { startCutter } from "./cutter.ts";
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

const wsUrl = (): string => world.rpcUrl.replace("http", "ws");

describe.concurrent("a subscription", () => {
  it("tells of heads at once, and spares the polls", async ({ onTestFinished: finish }) => {
    const proxy = await proxied(finish);
    const chain = openChain(finish, [wsUrl(), proxy.url]);
    const heads = collect(chain);
    // Polls until the subscription is there.
    let before = 0;
    let polls = Infinity;
    for (let tries = 0; polls > 1 && tries < 8; tries++) {
      before = proxy.total;
      const count = heads.length;
      await until(() => heads.length >= count + 5);
      polls = proxy.total - before;
    }
    expect(polls).toBeLessThanOrEqual(1);
    expect(chain.blockTimeMs()).toBeGreaterThan(100);
    expect(chain.blockTimeMs()).toBeLessThan(400);
    const head = await chain.head();
    expect(proxy.total - before).toBeLessThanOrEqual(3);
    expect(await chain.block(head.number)).toEqual(head);
  });

  it("that breaks is replaced by polls, and comes back", async ({ onTestFinished: finish }) => {
    const cutter = await startCutter(world.rpcUrl);
    finish(() => cutter.stop());
    const proxy = await proxied(finish);
    const chain = openChain(finish, [cutter.url, proxy.url]);
    const heads = collect(chain);
    await until(() => heads.length >= 4);
    cutter.refuse(true);
    let count = heads.length;
    const polls = proxy.total;
    await until(() => heads.length >= count + 4);
    expect(proxy.total).toBeGreaterThan(polls + 4);
    cutter.refuse(false);
    const connections = cutter.connections();
    await until(() => cutter.connections() > connections);
    await sleep(300);
    const after = proxy.total;
    count = heads.length;
    await until(() => heads.length >= count + 4);
    expect(proxy.total - after).toBeLessThanOrEqual(4);
  });

  it("that falls silent is noticed", async ({ onTestFinished: finish }) => {
    const cutter = await startCutter(world.rpcUrl);
    finish(() => cutter.stop());
    const chain = openChain(finish, [cutter.url, world.rpcUrl]);
    const heads = collect(chain);
    await until(() => heads.length >= 4);
    cutter.silence();
    const count = heads.length;
    await until(() => heads.length >= count + 6);
  });

  it("of another chain, or where there is none, is as good as none", async ({
    onTestFinished: finish,
  }) => {
    const other = await startAnvil({ chainId: 5, blockTimeSeconds: 0.1 });
    finish(() => other.stop());
    const rpcUrls = ["ws://127.0.0.1:9", other.rpcUrl.replace("http", "ws"), world.rpcUrl];
    const heads = collect(openChain(finish, rpcUrls, { pollMs: 20 }));
    await until(() => heads.length >= 6);
    expect(heads.at(-1)!.number - heads[0]!.number).toBe(5n);
    const { hash } = await world.client.getBlock({ blockNumber: heads[3]!.number });
    expect(heads[3]!.hash).toBe(hash);
  });

  it("is not lost to another chain of this process that is closed", async ({
    onTestFinished: finish,
  }) => {
    const [first, second] = [
      openChain(finish, [wsUrl(), world.rpcUrl]),
      openChain(finish, [wsUrl(), world.rpcUrl]),
    ];
    const [gone, kept] = [collect(first), collect(second)];
    await until(() => gone.length >= 3 && kept.length >= 3);
    first.close();
    const [count, more] = [gone.length, kept.length];
    await until(() => kept.length >= more + 6);
    expect(gone.length).toBe(count);
  });
});
