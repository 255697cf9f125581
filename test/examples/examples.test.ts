import { afterAll, beforeAll, expect, test } from "vitest";
import { startLocalWorld, type LocalWorld } from "../../src/testing/index.ts";
import { start, type Running } from "../setup/command.ts";

let world: LocalWorld;
const running: Running[] = [];

beforeAll(async () => {
  world = await startLocalWorld();
});
afterAll(async () => {
  for (const { child, ended } of running) {
    child.kill();
    await ended;
  }
  await world.stop();
});

test("the three examples work together: the agent pays the publisher through the facilitator", async () => {
  const facilitator = start(["examples/facilitator.mjs"], {
    PORT: "0",
    EVM_RPC_URL: world.rpcUrl,
    EVM_PRIVATE_KEY: world.accounts.facilitator.privateKey,
  });
  running.push(facilitator);
  const publisher = start(["examples/publisher.mjs"], {
    PORT: "0",
    FACILITATOR_URL: await facilitator.seen(/listening on (http:\S+)/),
    PAY_TO: world.accounts.payee.address,
  });
  running.push(publisher);
  const site = await publisher.seen(/listening on (http:\S+)/);

  const agent = await start(["examples/agent.mjs", `${site}/report`], {
    EVM_PRIVATE_KEY: world.accounts.payer.privateKey,
  }).ended;
  expect(agent.stderr).toBe("");
  expect(agent.stdout).toContain("200");
  expect(agent.stdout).toContain("The answer is 42.");
  expect(agent.stdout).toMatch(/transaction: 0x[0-9a-f]{64}/);
  expect(await world.balanceOf(world.accounts.payee.address)).toBe(10_000n);
});
