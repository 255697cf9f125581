import { expect, test } from "vitest";
import { evmChain } from "../../facilitator/rpc/evm-chain.ts";
import { startLocalWorld } from "../../src/testing/index.ts";

test("which addresses have code is told in one call", async () => {
  const world = await startLocalWorld();
  const chain = evmChain({ network: world.network, rpcUrls: [world.rpcUrl] });
  const delegated = world.newAccount().address;
  await world.client.setCode({ address: delegated, bytecode: `0xef0100${"11".repeat(20)}` });
  const plain = Array.from({ length: 97 }, () => world.newAccount().address);
  const answer = await chain.haveCode([
    world.token,
    delegated,
    world.accounts.payer.address,
    ...plain,
  ]);
  expect(answer).toEqual([true, true, false, ...plain.map(() => false)]);
  expect(await chain.haveCode([])).toEqual([]);
  chain.close();
  await world.stop();
});
