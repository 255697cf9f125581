/** Wallets where gas is sponsored: nothing is, but for accounts that sign by their own key. */
import type { Address } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EvmSigner } from "../../src/evm/index.ts";
import { startLocalWorld, type LocalWorld, type TestAccount } from "../../src/testing/index.ts";
import { PERMIT, permit2Payer, sponsoredRequest } from "../setup/permit2.ts";
import { EIP2612, sponsoringDesk } from "../setup/sponsoring.ts";
import { allowAs } from "../wallets/permit2.ts";
import { walletSigner, wrappedSigner } from "../wallets/world.ts";

let world: LocalWorld;
let desk: ReturnType<typeof sponsoringDesk>;
let owner: TestAccount;
beforeAll(async () => {
  world = await startLocalWorld();
  desk = sponsoringDesk(world);
  owner = world.newAccount();
});
afterAll(async () => {
  await desk.close();
  await world.stop();
});

async function pay(account: EvmSigner, upto?: Address) {
  const payTo = world.newAccount().address;
  const requirements = desk.requirementsOf(payTo, upto);
  return { payTo, request: await sponsoredRequest(world, { account }, requirements) };
}

async function newWallet() {
  const wallet = await world.newSmartWallet(owner.address);
  await world.fundToken(wallet.address, 1_000_000n, PERMIT.address);
  return wallet;
}

test.each(["exact", "upto"])(
  "%s: a wallet's permit is left out, and an allowance of its own counts",
  async (scheme) => {
    const sponsoring = { perPayerPerDay: 0n, perDay: 0n };
    const { facilitator, signer, sent } = await desk.start({ sponsoring });
    const wallet = await newWallet();
    const { request, payTo } = await pay(
      walletSigner(wallet, owner),
      scheme === "upto" ? signer.address : undefined,
    );
    expect(request.paymentPayload.extensions).toHaveProperty(EIP2612);
    const reason = "permit2_allowance_required";
    expect(await facilitator.verify(request)).toMatchObject({ invalidReason: reason });
    expect(await facilitator.settle(request)).toMatchObject({ errorReason: reason });
    expect(await sent()).toBe(0);

    await allowAs(world, wallet.address, PERMIT.address);
    expect(await facilitator.verify(request)).toMatchObject({ isValid: true });
    expect(await facilitator.settle(request)).toMatchObject({ success: true });
    expect(await desk.received(payTo)).toBe(10_000n);
  },
);

test("a buyer whose wallet's signature is no key's is told to allow Permit2", async () => {
  await expect(pay(wrappedSigner(await newWallet(), owner))).rejects.toMatchObject({
    code: "permit2_allowance_required",
  });
});

test("an account that delegates, and signs by its own key, is sponsored", async () => {
  const { facilitator, sent } = await desk.start();
  const payer = await permit2Payer(world, { token: PERMIT.address, allowance: 0n });
  await world.delegateAccount(payer);
  const { request, payTo } = await pay(payer.account);
  expect(await facilitator.verify(request)).toMatchObject({ isValid: true });
  expect(await facilitator.settle(request)).toMatchObject({ success: true });
  expect(await desk.received(payTo)).toBe(10_000n);
  expect(await sent()).toBe(1);
});
