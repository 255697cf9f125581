import type { Hex } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installGasBombWallet, installReturnBombWallet } from "../hostile/install-contracts.ts";
import { bytesSigner, payment, PRICE, startWalletWorld, type WalletWorld } from "./world.ts";

let wallets: WalletWorld;
beforeAll(async () => {
  wallets = await startWalletWorld();
});
afterAll(() => wallets?.stop());

test("a wallet that fails again and again burns no more than its budget, alone or many at once", async () => {
  const { world } = wallets;
  const budget = 1_000_000n;
  const wallet = world.newAccount().address;
  await world.fundToken(wallet, 100n * PRICE);
  const facilitator = await wallets.facilitator({
    chain: { refusalMs: 1, walletGasBudget: budget },
    step: async (step) => {
      if (step === "signed") await installGasBombWallet(world.client, wallet);
    },
  });
  const failed = new Map<string, bigint>();
  const reasons = new Set<string | undefined>();
  for (let round = 0; round < 5; round++) {
    await installReturnBombWallet(world.client, wallet, { size: 32n });
    const payments = await Promise.all([1, 2, 3].map(() => payment(world, bytesSigner(wallet))));
    const answers = await Promise.all(payments.map(({ request }) => facilitator.settle(request)));
    for (const { success, transaction, errorReason } of answers) {
      expect(success).toBe(false);
      reasons.add(errorReason);
      if (transaction === "") continue;
      const receipt = await world.client.getTransactionReceipt({ hash: transaction as Hex });
      failed.set(transaction, receipt.gasUsed);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const burnt = [...failed.values()].reduce((sum, gas) => sum + gas, 0n);
  expect(failed.size).toBeGreaterThan(0);
  expect(burnt).toBeLessThanOrEqual(budget);
  expect(reasons).toContain("wallet_gas_budget_exceeded");
  const sent = await world.client.getTransactionCount({ address: facilitator.signer.address });
  expect(sent).toBe(failed.size);
  const punished = facilitator.events.filter(({ type }) => type === "wallet_punished");
  expect(punished.length).toBe(failed.size);
});
