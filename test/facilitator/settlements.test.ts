import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createFacilitator,
  createFacilitatorApp,
  evmChain,
  type FacilitatorEngine,
} from "../../facilitator/index.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import { startLocalWorld, type LocalWorld } from "../../src/testing/index.ts";
import { requirementsOf, signedRequest } from "../setup/payments.ts";

let world: LocalWorld;
let facilitator: FacilitatorEngine;

beforeAll(async () => {
  world = await startLocalWorld();
  facilitator = createFacilitator({
    schemes: [exactEvmFacilitator()],
    ledger: memoryLedger(),
    chains: [
      evmChain({
        network: world.network,
        rpcUrls: [world.rpcUrl],
        signers: [world.accounts.facilitator.account],
      }),
    ],
  });
});
afterAll(async () => {
  await facilitator.close();
  await world.stop();
});

test("a claimant reads its settlement by payment key and by transaction; a stranger reads nothing", async () => {
  const app = createFacilitatorApp(facilitator, {
    settlements: (id, call) => facilitator.settlements(id, call),
  });
  const requirements = requirementsOf("$0.01", world.accounts.payee.address);
  const request = await signedRequest(world.accounts.payer.account, requirements);
  const { transaction } = await facilitator.settle(request, { idempotencyKey: "order-1" });

  const ask = async (id: string, key: string) =>
    await app.request(`/settlements/${encodeURIComponent(id)}`, {
      headers: { "Idempotency-Key": key },
    });
  const byTransaction = await ask(transaction, "order-1");
  expect(byTransaction.status).toBe(200);
  const { settlements } = (await byTransaction.json()) as { settlements: { id: string }[] };
  expect(settlements).toMatchObject([
    {
      state: "confirmed",
      transaction,
      network: world.network,
      block: expect.any(String) as string,
    },
  ]);
  expect(settlements[0]).toHaveProperty("history.2.state", "confirmed");
  const byKey = await ask(settlements[0]!.id, "order-1");
  expect(await byKey.json()).toEqual({ settlements });
  for (const id of [transaction, settlements[0]!.id]) {
    expect((await ask(id, "another")).status).toBe(404);
  }
  expect((await ask("nothing", "order-1")).status).toBe(404);
});

test("with confirmations `broadcast` a named claimant is answered before the block, an anonymous one after it", async () => {
  const slow = await startLocalWorld();
  await slow.setAutomine(false);
  const engine = createFacilitator({
    schemes: [exactEvmFacilitator()],
    ledger: memoryLedger(),
    chains: [
      evmChain({
        network: slow.network,
        rpcUrls: [slow.rpcUrl],
        signers: [slow.accounts.facilitator.account],
        confirmations: "broadcast",
      }),
    ],
    settleTimeoutMs: 3000,
  });
  const payTo = slow.newAccount().address;
  const fresh = () => signedRequest(slow.accounts.payer.account, requirementsOf("$0.01", payTo));
  const named = await engine.settle(await fresh(), { idempotencyKey: "order-2" });
  expect(named).toMatchObject({ success: true });
  expect(await slow.balanceOf(payTo)).toBe(0n);
  const anonymous = await engine.settle(await fresh());
  expect(anonymous).toMatchObject({ success: false, errorReason: "settlement_pending" });
  await slow.mine();
  await expect.poll(() => slow.balanceOf(payTo)).toBe(20_000n);
  const [settlement] = await engine.settlements(named.transaction, { idempotencyKey: "order-2" });
  expect(settlement).toMatchObject({ transaction: named.transaction });
  await engine.close();
  await slow.stop();
});
