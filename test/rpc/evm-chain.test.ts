import { setTimeout as sleep } from "node:timers/promises";
import { encodeFunctionData, keccak256, parseGwei } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { localUsdcAbi } from "../../contracts-abi/local/local-usdc.ts";
import type { Receipt } from "../../facilitator/chain.ts";
import { evmChain, type EvmRpcChain } from "../../facilitator/rpc/evm-chain.ts";
import type { Hex } from "../../src/core/scheme.ts";
import { startLocalWorld, type LocalWorld } from "../../src/testing/index.ts";

let world: LocalWorld;
let chain: EvmRpcChain;
const NETWORK = "eip155:84532";
const lower = (text: string): Hex => text.toLowerCase() as Hex;

beforeAll(async () => {
  world = await startLocalWorld();
  chain = evmChain({ network: NETWORK, rpcUrls: [world.rpcUrl] });
});
afterAll(async () => {
  chain.close();
  await world.stop();
});

/** A signed transaction of the facilitator's account that does next to nothing. */
async function signed(nonce: number, options: { gwei?: string; gas?: bigint } = {}): Promise<Hex> {
  const fee = parseGwei(options.gwei ?? "3");
  return world.accounts.facilitator.account.signTransaction({
    type: "eip1559",
    chainId: world.chainId,
    nonce,
    to: world.accounts.payee.address,
    gas: options.gas ?? 21_000n,
    maxFeePerGas: fee,
    maxPriorityFeePerGas: fee / 2n,
  });
}

describe("reads", () => {
  it("reads what the chain has", async () => {
    const { payer, facilitator } = world.accounts;
    const data = encodeFunctionData({
      abi: erc20Abi,
      functionName: "balanceOf",
      args: [payer.address],
    });
    const [id, head, balance, code, nonce, pending, ether, final] = await Promise.all([
      chain.chainId(),
      chain.head(),
      chain.call({ to: lower(world.token), data }),
      chain.code(lower(world.token)),
      chain.nonce(lower(facilitator.address), "latest"),
      chain.nonce(lower(facilitator.address), "pending"),
      chain.balance(lower(facilitator.address)),
      chain.finalized(),
    ]);
    const block = await world.client.getBlock();
    expect(id).toBe(84532);
    expect(head).toEqual({
      number: block.number,
      hash: block.hash,
      parentHash: block.parentHash,
      timestampSeconds: Number(block.timestamp),
      baseFeePerGas: block.baseFeePerGas,
    });
    expect(balance.ok && BigInt(balance.data)).toBe(1_000_000_000n);
    expect(code.length).toBeGreaterThan(100);
    expect([nonce, pending, ether, final]).toEqual([0, 0, 100n * 10n ** 18n, 0n]);
    expect(await chain.block(head.number)).toEqual(head);
    expect(await chain.block(head.number + 1n)).toBeUndefined();
  });

  it("takes a revert for an answer", async () => {
    const data = encodeFunctionData({
      abi: localUsdcAbi,
      functionName: "transfer",
      args: [world.accounts.payee.address, 1n],
    });
    const { ok, data: why } = await chain.call({
      to: lower(world.token),
      data,
      from: lower(world.accounts.payee.address),
    });
    expect(ok).toBe(false);
    expect(why.length).toBeGreaterThan(10);
  });

  it("broadcasts, and finds receipts and logs", async () => {
    const { facilitator, payer } = world.accounts;
    const raw = await signed(0);
    expect(await chain.broadcast(raw)).toBe("accepted");
    // anvil answers a little before it has made the block.
    let receipt: Receipt | undefined;
    while ((receipt = await chain.receipt(keccak256(raw))) === undefined) await sleep(10);
    expect(receipt).toMatchObject({ transaction: keccak256(raw), success: true, logs: [] });
    await world.fundToken(payer.address, 5n);
    const head = await chain.head();
    const [minted] = await chain.blockReceipts(head);
    expect(minted).toMatchObject({ success: true, block: head.number, blockHash: head.hash });
    expect(minted!.logs[0]!.address).toBe(lower(world.token));
    const logs = await chain.logs({
      address: lower(world.token),
      topics: [minted!.logs[0]!.topics[0]!],
      fromBlock: head.number,
    });
    expect(logs).toEqual([{ ...minted!.logs[0], transaction: minted!.transaction }]);
    expect(await chain.nonce(lower(facilitator.address), "latest")).toBe(1);
    expect(await chain.receipt(`0x${"11".repeat(32)}`)).toBeUndefined();
    await world.mine();
    expect(await chain.blockReceipts(await chain.head())).toEqual([]);
  });

  it("tells what is wrong with a transaction", async () => {
    expect(await chain.broadcast(await signed(0))).toBe("nonce_too_low");
    await world.setAutomine(false);
    const raw = await signed(1, { gwei: "10" });
    expect(await chain.broadcast(raw)).toBe("accepted");
    expect(await chain.broadcast(raw)).toBe("accepted");
    expect(await chain.broadcast(await signed(1, { gwei: "10", gas: 22_000n }))).toBe(
      "underpriced",
    );
    expect(await chain.broadcast(await signed(2, { gas: 20_000n }))).toBe("refused");
    expect(await chain.broadcast(await signed(2, { gas: 10n ** 12n }))).toBe("refused");
    expect(await chain.broadcast("0x1234")).toBe("refused");
    await world.setAutomine(true);
    await world.mine();
    const poor = await world.newAccount().account.signTransaction({
      type: "eip1559",
      chainId: world.chainId,
      nonce: 0,
      gas: 21_000n,
      maxFeePerGas: parseGwei("3"),
      maxPriorityFeePerGas: 1n,
    });
    expect(await chain.broadcast(poor)).toBe("insufficient_funds");
  });
});
