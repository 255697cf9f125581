import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import {
  startLocalWorld,
  startRpcProxy,
  type LocalWorld,
  type RpcProxy,
} from "../../src/testing/index.ts";

let world: LocalWorld;
let proxy: RpcProxy;

beforeAll(async () => {
  world = await startLocalWorld();
  proxy = await startRpcProxy(world.rpcUrl);
});
afterEach(() => proxy.setFault(undefined));
afterAll(async () => {
  await proxy?.stop();
  await world?.stop();
});

const call = (method: string, id: unknown = 1, params: unknown = []) => ({
  jsonrpc: "2.0",
  id,
  method,
  params,
});

const post = (body: unknown) =>
  fetch(proxy.url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

const ask = async (body: unknown) => (await post(body)).json();

const CHAIN_ID = "0x14a34";

test("forwards and counts, alone and in batches", async () => {
  const [total, http, seen] = [proxy.total, proxy.httpRequests, proxy.counts["eth_chainId"] ?? 0];
  expect(await ask(call("eth_chainId", "x"))).toEqual({
    jsonrpc: "2.0",
    id: "x",
    result: CHAIN_ID,
  });
  const batch = [call("eth_chainId", 7), call("eth_blockNumber", 7), call("nonsense", 9)];
  expect(await ask(batch)).toEqual([
    { jsonrpc: "2.0", id: 7, result: CHAIN_ID },
    { jsonrpc: "2.0", id: 7, result: "0x1" },
    { jsonrpc: "2.0", id: 9, error: expect.objectContaining({ code: -32601 }) },
  ]);
  expect([proxy.total - total, proxy.httpRequests - http]).toEqual([4, 2]);
  expect(proxy.counts["eth_chainId"]! - seen).toBe(2);
});

test("answers in the chain's place, for one of a batch too", async () => {
  const error = { code: -32000, message: "header not found" };
  proxy.setFault(({ method, params }) => {
    if (method === "eth_blockNumber") return { error };
    if (method === "eth_getBalance") return { result: params };
    return undefined;
  });
  const batch = [call("eth_blockNumber"), call("eth_chainId", 2), call("eth_getBalance", 3, ["a"])];
  expect(await ask(batch)).toEqual([
    { jsonrpc: "2.0", id: 1, error },
    { jsonrpc: "2.0", id: 2, result: CHAIN_ID },
    { jsonrpc: "2.0", id: 3, result: ["a"] },
  ]);
});

test("lets a fault change the chain's own answer, asking it once", async () => {
  proxy.setFault(async (_request, forward) => {
    const [answer, again] = await Promise.all([forward(), forward()]);
    expect(answer).toBe(again);
    return { result: [(answer as { result: string }).result] };
  });
  expect(await ask(call("eth_chainId"))).toMatchObject({ result: [CHAIN_ID] });
});

test("answers with raw HTTP", async () => {
  proxy.setFault(() => ({
    status: 429,
    body: "<html>slow down</html>",
    headers: { "retry-after": "1" },
  }));
  const response = await post(call("eth_chainId"));
  expect([response.status, response.headers.get("retry-after")]).toEqual([429, "1"]);
  expect(await response.text()).toBe("<html>slow down</html>");
});

test("delays, and then forwards", async () => {
  proxy.setFault(() => ({ delayMs: 150 }));
  const start = performance.now();
  expect(await ask(call("eth_chainId"))).toMatchObject({ result: CHAIN_ID });
  expect(performance.now() - start).toBeGreaterThan(140);
});

test("loses a request before or after its effect", async () => {
  const block = () => world.client.getBlockNumber();
  const start = await block();
  proxy.setFault(() => ({ drop: "before" }));
  await expect(post(call("evm_mine"))).rejects.toThrow();
  expect(await block()).toBe(start);
  proxy.setFault(({ method }) => (method === "evm_mine" ? { drop: "after" } : undefined));
  await expect(post([call("eth_chainId"), call("evm_mine")])).rejects.toThrow();
  expect(await block()).toBe(start + 1n);
  proxy.setFault(async (_request, forward) => {
    await forward();
    return { drop: "after" };
  });
  await expect(post(call("evm_mine"))).rejects.toThrow();
  expect(await block()).toBe(start + 2n);
});

test("a chain that is gone is a 502, and stopping twice does no harm", async () => {
  const broken = await startRpcProxy("http://127.0.0.1:1");
  const body = JSON.stringify(call("eth_chainId"));
  expect((await fetch(broken.url, { method: "POST", body })).status).toBe(502);
  await broken.stop();
  await broken.stop();
});
