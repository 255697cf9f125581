/** Reorganizations of the local chain under load: whatever is broken by them has to be the fault of what is tested with it. */
import { setTimeout as sleep } from "node:timers/promises";
import { encodeFunctionData, keccak256, parseEther, parseGwei, type Hex } from "viem";
import { afterEach, beforeEach, expect, test } from "vitest";
import { localUsdcAbi } from "../../contracts-abi/local/local-usdc.ts";
import { multicall3Abi, MULTICALL3_ADDRESS } from "../../contracts-abi/multicall3.ts";
import { startLocalWorld, type LocalWorld, type TestAccount } from "../../src/testing/index.ts";

/** Of each signer. */
const TRANSACTIONS = 25;

let world: LocalWorld;

beforeEach(async () => {
  world = await startLocalWorld();
});
afterEach(() => world.stop());

type Sent = {
  readonly signer: TestAccount;
  readonly raw: Hex;
  readonly hash: Hex;
  readonly to: readonly Hex[];
};

/** A transaction that mints one unit for each of many fresh accounts. */
async function newMints(signer: TestAccount, nonce: number, count: number): Promise<Sent> {
  const to = Array.from({ length: count }, () => world.newAccount().address);
  const calls = to.map((address) => ({
    target: world.token,
    allowFailure: false,
    callData: encodeFunctionData({ abi: localUsdcAbi, functionName: "mint", args: [address, 1n] }),
  }));
  const raw = await signer.account.signTransaction({
    type: "eip1559",
    chainId: world.chainId,
    to: MULTICALL3_ADDRESS,
    data: encodeFunctionData({ abi: multicall3Abi, functionName: "aggregate3", args: [calls] }),
    nonce,
    gas: 60_000n + 60_000n * BigInt(count),
    maxFeePerGas: parseGwei("50"),
    maxPriorityFeePerGas: parseGwei("1"),
  });
  return { signer, raw, hash: keccak256(raw), to };
}

/** Sends the bytes of every transaction that is in no block, and tells how many those were. */
async function sendAgain(sent: readonly Sent[]): Promise<number> {
  const open = await Promise.all(
    sent.map(async ({ raw, hash }) => {
      try {
        await world.client.getTransactionReceipt({ hash });
        return 0;
      } catch {
        // Refused where it waits already.
        await Promise.allSettled([world.client.sendRawTransaction({ serializedTransaction: raw })]);
        return 1;
      }
    }),
  );
  return open.reduce<number>((sum, one) => sum + one, 0);
}

test("under load the chain stays whole: blocks, receipts, logs, balances and nonces agree", async () => {
  const { client } = world;
  const signers = [world.newAccount(), world.newAccount()];
  for (const { address } of signers) await world.fundEther(address, parseEther("10"));
  await world.mine(3);
  await world.setBlockTime(0.05);

  const sent: Sent[] = [];
  const over = new AbortController();
  const reorganizing = (async () => {
    for (let depth = 1; !over.signal.aborted; depth = (depth % 3) + 1) {
      await sleep(60);
      await world.reorg(depth);
    }
  })();
  for (let nonce = 0; nonce < TRANSACTIONS; nonce++) {
    for (const signer of signers) {
      const mints = await newMints(signer, nonce, 40);
      sent.push(mints);
      await client.sendRawTransaction({ serializedTransaction: mints.raw });
    }
    await sleep(40);
    await sendAgain(sent.slice(-20));
  }
  over.abort();
  await reorganizing;
  while ((await sendAgain(sent)) > 0) await sleep(50);
  await world.setAutomine(false);

  const head = await client.getBlockNumber();
  const blocks = await Promise.all(
    Array.from({ length: Number(head) + 1 }, (_, number) =>
      client.getBlock({ blockNumber: BigInt(number) }),
    ),
  );
  for (const [index, { parentHash }] of blocks.slice(1).entries())
    expect(parentHash).toBe(blocks[index]!.hash);
  const mined = blocks.flatMap(({ transactions }) => transactions);
  expect(mined.filter((hash) => sent.some((each) => each.hash === hash)).toSorted()).toEqual(
    sent.map(({ hash }) => hash).toSorted(),
  );
  for (const { address } of signers)
    expect(await client.getTransactionCount({ address })).toBe(TRANSACTIONS);
  const people = sent.flatMap(({ to }) => to);
  const balances = await Promise.all(people.map((address) => world.balanceOf(address)));
  expect(balances.every((balance) => balance === 1n)).toBe(true);
  for (const { to, hash } of sent) {
    const transfers = await world.transfersTo(to[0]!);
    expect(transfers.map(({ transactionHash }) => transactionHash)).toEqual([hash]);
  }
});

test("leaves the chain's clock as it was", async () => {
  await world.increaseTime(3600);
  await world.mine(3);
  const before = await world.now();
  await sleep(2100);
  for (let i = 0; i < 3; i++) await world.reorg(3);
  await world.mine();
  expect(await world.now()).toBeGreaterThanOrEqual(before + 2);
  expect(await world.now()).toBeLessThan(before + 60);
});

test("mines at an interval of fractions of a second, until it is told otherwise", async () => {
  await world.setBlockTime(0.05);
  const first = await world.client.getBlockNumber();
  await sleep(500);
  expect(await world.client.getBlockNumber()).toBeGreaterThan(first + 3n);
  await world.setAutomine(false);
  await world.mine(); // comes after any that was on its way
  const still = await world.client.getBlockNumber();
  await sleep(200);
  expect(await world.client.getBlockNumber()).toBe(still);
  await world.setBlockTime(0);
  await world.fundToken(world.newAccount().address, 1n);
});

test("is refused while anvil mines at an interval by itself", async () => {
  const other = await startLocalWorld({ blockTimeSeconds: 0.1 });
  try {
    await expect(other.reorg(1)).rejects.toThrow("setBlockTime");
    await other.setBlockTime(0.1);
    await other.mine(2);
    await other.reorg(1);
  } finally {
    await other.stop();
  }
});
