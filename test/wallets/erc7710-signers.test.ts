import type { Hex } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { delegatedPayment } from "./delegated.ts";
import { payment, PRICE, startWalletWorld, type WalletWorld } from "./world.ts";

let wallets: WalletWorld;
beforeAll(async () => {
  wallets = await startWalletWorld();
});
afterAll(() => wallets?.stop());

test("a delegation is sent by the first of several signers, whom it names, whichever are free", async () => {
  const { world } = wallets;
  const scheme = { erc7710Managers: [world.contracts.delegationManager] };
  const facilitator = await wallets.facilitator({ scheme, others: 2 });
  const delegate = facilitator.signer.address;
  const others = await Promise.all(
    [1, 2, 3].map(() => payment(world, world.accounts.payer.account)),
  );
  await Promise.all(others.map(({ request }) => facilitator.settle(request))); // all lanes are leased
  const owner = world.newAccount();
  const delegated = await Promise.all(
    Array.from({ length: 6 }, () => delegatedPayment(world, owner, { delegate })),
  );
  for (const { request } of delegated)
    expect(await facilitator.verify(request)).toMatchObject({ isValid: true });
  const settled = await Promise.all(delegated.map(({ request }) => facilitator.settle(request)));
  for (const [index, { success, transaction }] of settled.entries()) {
    expect(success).toBe(true);
    const { from } = await world.client.getTransaction({ hash: transaction as Hex });
    expect(from).toBe(delegate.toLowerCase());
    expect(await world.balanceOf(delegated[index]!.payTo)).toBe(PRICE);
  }
});
