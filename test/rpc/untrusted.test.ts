/** Calls of code that a stranger chose. */
import { encodeFunctionData } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { evmChain, type EvmRpcChain } from "../../facilitator/rpc/evm-chain.ts";
import type { Hex } from "../../src/core/scheme.ts";
import { askWallet } from "../../src/evm/wallet-probe.ts";
import {
  startLocalWorld,
  startRpcProxy,
  type LocalWorld,
  type RpcProxy,
} from "../../src/testing/index.ts";
import {
  installReturnBombWallet,
  installSimulationAwareWallet,
} from "../hostile/install-contracts.ts";
import { simulationAwareWalletAbi } from "../hostile/contracts/simulation-aware-wallet.ts";
import { reply } from "./raw-server.ts";
import { CLIENTS, setUp } from "./transport-setup.ts";

describe.each(CLIENTS)("over %s", (_, createPost) => {
  it("an answer over 64 KiB is a revert of the call, and nothing against the endpoint", async () => {
    const { transport, exchanges, server } = await setUp(
      (body, response) => {
        const [size] = (body as { params: number[] }).params;
        reply(response, {
          jsonrpc: "2.0",
          id: (body as { id: number }).id,
          result: "x".repeat(size!),
        });
      },
      { createPost },
    );
    const ask = (size: number) => transport.request("eth_call", [size], "untrusted");
    const [small, large] = await Promise.all([ask(60_000), ask(70_000)]);
    expect(small).toEqual({ result: "x".repeat(60_000) });
    expect(large).toMatchObject({ error: { code: 3 } });
    expect(exchanges).toEqual([undefined, undefined]);
    expect(server.received.length).toBe(2);
    const trusted = await transport.request("eth_call", [70_000]);
    expect(trusted).toMatchObject({ result: expect.stringMatching(/^x+$/) as string });
  });
});

describe("on a chain", () => {
  let world: LocalWorld;
  let proxy: RpcProxy;
  let chain: EvmRpcChain;
  const lower = (text: string): Hex => text.toLowerCase() as Hex;
  beforeAll(async () => {
    world = await startLocalWorld();
    proxy = await startRpcProxy(world.rpcUrl);
    chain = evmChain({ network: world.network, rpcUrls: [proxy.url] });
  });
  afterAll(async () => {
    chain.close();
    await proxy.stop();
    await world.stop();
  });
  const looksSimulated = encodeFunctionData({
    abi: simulationAwareWalletAbi,
    functionName: "looksSimulated",
  });

  it("a call with a price is made as its transaction would be", async () => {
    const wallet = world.newAccount().address;
    await installSimulationAwareWallet(world.client, wallet);
    const call = { to: lower(wallet), data: looksSimulated, gas: 300_000n };
    const from = lower(world.accounts.facilitator.address);
    const fees = await chain.fees();
    expect((await chain.call({ ...call, from })).data).toMatch(/1$/);
    expect((await chain.call({ ...call, from, fees })).data).toMatch(/0$/);
  });

  it("who could not pay the price is answered without it, and so is a price under the base fee", async () => {
    const wallet = world.newAccount().address;
    await installSimulationAwareWallet(world.client, wallet);
    const call = { to: lower(wallet), data: looksSimulated, gas: 300_000n };
    const from = lower(world.newAccount().address);
    const fees = await chain.fees();
    expect(await chain.call({ ...call, from, fees })).toMatchObject({ ok: true });
    const low = { maxFeePerGas: 1n, maxPriorityFeePerGas: 1n };
    const rich = lower(world.accounts.facilitator.address);
    expect(await chain.call({ ...call, from: rich, fees: low })).toMatchObject({ ok: true });
    expect(chain.stats()[0]).toMatchObject({ failures: 0, asideMs: 0 });
  });

  it("a wallet's mebibyte stays in the node", async () => {
    const wallet = world.newAccount().address;
    for (const reverts of [false, true]) {
      await installReturnBombWallet(world.client, wallet, { reverts });
      const digest: Hex = `0x${"42".repeat(32)}`;
      const question = { wallet: lower(wallet), digest, signature: "0x", gas: 5_000_000n } as const;
      expect(await askWallet(chain, question)).toEqual({ deployed: true, valid: false });
    }
  });
});
