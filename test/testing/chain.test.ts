import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { parseEther } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { multicall3Abi, MULTICALL3_ADDRESS } from "../../contracts-abi/multicall3.ts";
import {
  namedAccount,
  startAnvil,
  startLocalWorld,
  type LocalWorld,
} from "../../src/testing/index.ts";

let world: LocalWorld;

beforeAll(async () => {
  world = await startLocalWorld();
});
afterAll(() => world?.stop());

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("starts with the promised accounts and contracts", async () => {
  const { payer, payee, facilitator } = world.accounts;
  const ether = (address: `0x${string}`) => world.client.getBalance({ address });
  expect(world.network).toBe("eip155:84532");
  expect(await world.client.getChainId()).toBe(84532);
  expect(await world.balanceOf(payer.address)).toBe(1_000_000_000n);
  expect(await world.balanceOf(payee.address)).toBe(0n);
  expect([await ether(payer.address), await ether(facilitator.address)]).toEqual([
    0n,
    parseEther("100"),
  ]);
  expect(payer.address).toBe(namedAccount("payer").address);
  const seen = await world.client.readContract({
    address: MULTICALL3_ADDRESS,
    abi: multicall3Abi,
    functionName: "getEthBalance",
    args: [facilitator.address],
  });
  expect(seen).toBe(parseEther("100"));
});

test("mints for many at once, and tells the transfers", async () => {
  const people = Array.from({ length: 8 }, () => world.newAccount());
  await Promise.all(people.map(({ address }, i) => world.fundToken(address, BigInt(i + 1))));
  const balances = await Promise.all(people.map(({ address }) => world.balanceOf(address)));
  expect(balances).toEqual([1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n]);
  const transfers = await world.transfersTo(people[7]!.address);
  expect(transfers.map(({ value }) => value)).toEqual([8n]);
});

test("controls time, blocks and history", async () => {
  const someone = world.newAccount().address;
  const before = await world.now();
  await world.increaseTime(3600);
  expect(await world.now()).toBeGreaterThanOrEqual(before + 3600);

  const id = await world.snapshot();
  await world.fundToken(someone, 5n);
  await world.revert(id);
  expect(await world.balanceOf(someone)).toBe(0n);

  await world.fundToken(someone, 6n);
  await world.reorg(1);
  expect(await world.balanceOf(someone)).toBe(0n);
  expect(await world.transfersTo(someone)).toEqual([]);

  await world.setAutomine(false);
  const funded = world.fundToken(someone, 7n);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await world.balanceOf(someone)).toBe(0n);
  await world.mine();
  await funded;
  expect(await world.balanceOf(someone)).toBe(7n);
  await world.setAutomine(true);

  await world.fundEther(someone, 3n);
  await world.fundEther(someone, 4n);
  expect(await world.client.getBalance({ address: someone })).toBe(7n);
});

test("mines at intervals, and two worlds do not meet", async () => {
  const other = await startLocalWorld({ blockTimeSeconds: 0.1 });
  expect(other.rpcUrl).not.toBe(world.rpcUrl);
  const first = await other.client.getBlockNumber();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await other.client.getBlockNumber()).toBeGreaterThan(first + 1n);
  await other.fundToken(other.accounts.payee.address, 1n);
  expect(await world.balanceOf(world.accounts.payee.address)).toBe(0n);
  await Promise.all([other.stop(), other.stop()]);
  expect(isAlive(other.pid)).toBe(false);
});

test("anvil that cannot start is an error that says why", async () => {
  const port = Number(new URL(world.rpcUrl).port);
  await expect(startAnvil({ port })).rejects.toThrow(/anvil .*in use/s);
  process.env["ANVIL_PATH"] = "/nowhere/anvil";
  await expect(startAnvil()).rejects.toThrow("ANVIL_PATH points to /nowhere/anvil");
  delete process.env["ANVIL_PATH"];
});

test("anvil does not outlive a process that is killed", async () => {
  const module = new URL("../../src/testing/anvil.ts", import.meta.url);
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(module)],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    define: { "import.meta.url": JSON.stringify(module.href) },
  });
  const script = `${outputFiles[0]!.text}
    console.log((await startAnvil()).pid); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  const pid = Number(await new Promise((resolve) => child.stdout.once("data", resolve)));
  expect(isAlive(pid)).toBe(true);
  child.kill("SIGKILL");
  await expect.poll(() => isAlive(pid), { timeout: 5000 }).toBe(false);
});
