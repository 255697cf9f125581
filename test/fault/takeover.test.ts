/** A process dies and another takes over, in the order of events that is not the usual one. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { memoryLedger, type Ledger } from "../../src/ledger/index.ts";
import { startEngine } from "./engine.ts";
import { newPayment, newSigners, startLocalWorld } from "./world.ts";

test("a payment is claimed anew before the lane that has its transaction is leased: the one transaction is sent", async () => {
  const world = await startLocalWorld();
  await world.setAutomine(false);
  const signers = await newSigners(world, 1);
  const memory = memoryLedger();

  // It dies with its transaction in the log: from then on it does nothing, and renews nothing.
  let dead = false;
  const dies = async <T>(ask: () => Promise<T>): Promise<T> => {
    if (dead) throw new Error("dead");
    return await ask();
  };
  const first = await startEngine(world, {
    signers,
    ledger: {
      ...memory,
      renew: (...args) => dies(() => memory.renew(...args)),
      lanes: { ...memory.lanes, announce: (...args) => dies(() => memory.lanes.announce(...args)) },
    },
    async step(name) {
      if (name !== "recorded") return;
      dead = true;
      await new Promise(() => undefined);
    },
  });

  // Its successor gets the lane only after the payment.
  let claimed = false;
  const ledger: Ledger = {
    ...memory,
    async claim(input) {
      const claim = await memory.claim(input);
      if (claim.status === "claimed") claimed = true;
      return claim;
    },
    lanes: {
      ...memory.lanes,
      acquire: async (...args) => (claimed ? await memory.lanes.acquire(...args) : undefined),
    },
  };
  const second = await startEngine(world, { signers, ledger });
  let miner: NodeJS.Timeout | undefined;
  try {
    const payment = await newPayment(world, "order");
    void first.pay(payment).catch(() => undefined);
    await expect.poll(() => dead, { timeout: 5000 }).toBe(true);
    const answer = second.pay(payment);
    await second.event("lane_acquired");
    await sleep(500); // for whatever it would send
    miner = setInterval(() => void world.mine().catch(() => undefined), 100);
    expect(await answer).toMatchObject({ success: true });
    expect(await world.transfersTo(payment.payTo)).toHaveLength(1);
    expect(await world.client.getTransactionCount({ address: signers[0]!.address })).toBe(1);
  } finally {
    clearInterval(miner);
    await Promise.all([first.close(0), second.close(0)]);
    await world.stop();
  }
});
