/** Wallets that attack whoever settles, through the whole facilitator; honest payments go on beside each. */
import { zeroAddress, type Hex } from "viem";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { SettleResponse } from "../../src/core/messages.ts";
import type { Step } from "../../facilitator/settlement/options.ts";
import type { LocalWorld, TestAccount } from "../../src/testing/index.ts";
import {
  installGasBombWallet,
  installReturnBombWallet,
  installSimulationAwareWallet,
} from "../hostile/install-contracts.ts";
import {
  bytesSigner,
  payment,
  PRICE,
  startWalletWorld,
  type WalletFacilitator,
  type WalletFacilitatorOptions,
  type WalletWorld,
} from "./world.ts";

const WALLET_GAS = 300_000n;
let wallets: WalletWorld;
let world: LocalWorld;
let wallet: Hex;

beforeAll(async () => {
  wallets = await startWalletWorld();
  world = wallets.world;
});
afterAll(() => wallets?.stop());
beforeEach(async () => {
  wallet = world.newAccount().address;
  await world.fundToken(wallet, 10n * PRICE);
});

/** A facilitator during whose work, at a step, something else happens on the chain, once. */
async function facilitatorWith(
  at: Step,
  happens: () => Promise<unknown>,
  options: WalletFacilitatorOptions = {},
): Promise<WalletFacilitator & { arm(): void }> {
  let armed = false;
  const engine = await wallets.facilitator({
    ...options,
    async step(step) {
      if (step !== at || !armed) return;
      armed = false;
      await happens();
    },
  });
  return { ...engine, arm: () => (armed = true) };
}

/** Settles an honest payment. */
async function expectHonest(facilitator: WalletFacilitator): Promise<void> {
  const { request, payTo } = await payment(world, world.accounts.payer.account);
  expect(await facilitator.settle(request)).toMatchObject({ success: true });
  expect(await world.balanceOf(payTo)).toBe(PRICE);
}

/** Gas of all that a signer has sent. */
async function gasBurntBy({ transaction }: SettleResponse): Promise<bigint> {
  const { gasUsed } = await world.client.getTransactionReceipt({ hash: transaction as Hex });
  return gasUsed;
}

const sent = (facilitator: WalletFacilitator): Promise<number> =>
  world.client.getTransactionCount({ address: facilitator.signer.address });

describe("bombs", () => {
  test.each([
    ["gas bomb", () => installGasBombWallet(world.client, wallet)],
    ["return bomb", () => installReturnBombWallet(world.client, wallet)],
    [
      "small return bomb, which the gas suffices for",
      () => installReturnBombWallet(world.client, wallet, { size: 100_000n }),
    ],
    [
      "return bomb that reverts",
      () => installReturnBombWallet(world.client, wallet, { reverts: true }),
    ],
    ["a yes of 31 bytes", () => installReturnBombWallet(world.client, wallet, { size: 31n })],
    [
      "something else than a yes",
      () => installReturnBombWallet(world.client, wallet, { size: 32n, start: "0x1626ba7f" }),
    ],
  ])("%s: its signature is none, and nothing is sent", async (_, install) => {
    await install();
    const facilitator = await wallets.facilitator();
    const { request, payTo } = await payment(world, bytesSigner(wallet));
    const [verified, settled] = await Promise.all([
      facilitator.verify(request),
      facilitator.settle(request),
      expectHonest(facilitator),
    ]);
    expect(verified).toMatchObject({ invalidReason: "invalid_exact_evm_signature" });
    expect(settled).toMatchObject({ errorReason: "invalid_exact_evm_signature" });
    expect(await sent(facilitator)).toBe(1);
    expect(await world.balanceOf(payTo)).toBe(0n);
  });
});

test("a wallet that knows a simulation by its lack of a price is found out, and nothing is sent", async () => {
  await installSimulationAwareWallet(world.client, wallet);
  const facilitator = await wallets.facilitator();
  const { request } = await payment(world, bytesSigner(wallet));
  const reason = "invalid_exact_evm_transaction_simulation_failed";
  expect(await facilitator.verify(request)).toMatchObject({ invalidReason: reason });
  expect(await facilitator.settle(request)).toMatchObject({ errorReason: reason });
  await expectHonest(facilitator);
  expect(await sent(facilitator)).toBe(1);
});

describe("a wallet that passes the simulation and fails on the chain", () => {
  const yes = () => installReturnBombWallet(world.client, wallet, { size: 32n });
  const bomb = () => installGasBombWallet(world.client, wallet);

  test("burns no more than its limit, is no success, and is refused for a while", async () => {
    await yes();
    const facilitator = await facilitatorWith("signed", bomb, { chain: { refusalMs: 1500 } });
    facilitator.arm();
    const first = await payment(world, bytesSigner(wallet));
    const settled = await facilitator.settle(first.request);
    expect(settled).toMatchObject({
      success: false,
      errorReason: "invalid_exact_evm_transaction_failed",
    });
    const burnt = await gasBurntBy(settled);
    expect(burnt).toBeLessThanOrEqual(WALLET_GAS);
    expect(burnt).toBeGreaterThan(WALLET_GAS / 2n);
    expect(await world.balanceOf(first.payTo)).toBe(0n);
    await yes();
    const second = await payment(world, bytesSigner(wallet));
    expect(await facilitator.verify(second.request)).toMatchObject({
      invalidReason: "wallet_refused",
    });
    expect(await facilitator.settle(second.request)).toMatchObject({
      errorReason: "wallet_refused",
    });
    await expectHonest(facilitator);
    await new Promise((resolve) => setTimeout(resolve, 1600));
    expect(await facilitator.settle(second.request)).toMatchObject({ success: true });
    expect(await facilitator.settle(first.request)).toMatchObject({ success: false });
    expect(await world.balanceOf(second.payTo)).toBe(PRICE);
  });

  test("keeps the success of a payment before, for who has not been told of it", async () => {
    await yes();
    const facilitator = await facilitatorWith("signed", bomb);
    const paid = await payment(world, bytesSigner(wallet));
    const named = { idempotencyKey: "order" };
    const settled = await facilitator.settle(paid.request, named);
    expect(settled).toMatchObject({ success: true });
    facilitator.arm();
    const { request } = await payment(world, bytesSigner(wallet));
    expect(await facilitator.settle(request)).toMatchObject({ success: false });
    await yes();
    expect(await facilitator.verify(paid.request, named)).toMatchObject({ isValid: true });
    expect(await facilitator.settle(paid.request, named)).toEqual(settled);
  });

  test("may burn so much gas in a day, however often it comes", async () => {
    await yes();
    const facilitator = await facilitatorWith("signed", bomb, {
      chain: { refusalMs: 1, walletGasBudget: 500_000n },
    });
    facilitator.arm();
    const { request } = await payment(world, bytesSigner(wallet));
    expect(await facilitator.settle(request)).toMatchObject({ success: false });
    await yes();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const next = await payment(world, bytesSigner(wallet));
    expect(await facilitator.settle(next.request)).toMatchObject({
      errorReason: "wallet_gas_budget_exceeded",
    });
    await expectHonest(facilitator);
  });

  test("as many at once as its budget is good for, and what succeeds costs it nothing", async () => {
    await yes();
    const facilitator = await wallets.facilitator({ chain: { walletGasBudget: 700_000n } });
    const payments = await Promise.all([1, 2, 3, 4].map(() => payment(world, bytesSigner(wallet))));
    const settled = await Promise.all(payments.map(({ request }) => facilitator.settle(request)));
    for (const { success, errorReason } of settled) {
      if (!success) expect(errorReason).toBe("wallet_gas_budget_exceeded");
    }
    expect(settled.filter(({ success }) => success).length).toBeGreaterThanOrEqual(2);
    for (const { request } of payments) {
      const { errorReason } = await facilitator.settle(request);
      expect([undefined, "duplicate_settlement"]).toContain(errorReason);
    }
  });
});

describe("a key that delegates to a gas bomb (EIP-7702)", () => {
  let payer: TestAccount;
  let target: Hex;
  beforeEach(async () => {
    payer = world.newAccount();
    await world.fundToken(payer.address, 10n * PRICE);
    target = world.newAccount().address;
    await installGasBombWallet(world.client, target);
  });

  test("before the simulation: it is refused, and those beside it are settled", async () => {
    const facilitator = await wallets.facilitator();
    await world.delegateAccount(payer, target);
    const { request } = await payment(world, payer.account);
    const [settled] = await Promise.all([
      facilitator.settle(request),
      expectHonest(facilitator),
      expectHonest(facilitator),
    ]);
    expect(settled).toMatchObject({
      errorReason: "invalid_exact_evm_transaction_simulation_failed",
    });
  });

  test("after the simulation, alone: bounded, and it is refused afterwards", async () => {
    const delegate = () => world.delegateAccount(payer, target);
    const facilitator = await facilitatorWith("signed", delegate);
    facilitator.arm();
    const { request } = await payment(world, payer.account);
    const settled = await facilitator.settle(request);
    expect(settled).toMatchObject({ errorReason: "invalid_exact_evm_transaction_failed" });
    expect(await gasBurntBy(settled)).toBeLessThanOrEqual(150_000n);
    const next = await payment(world, payer.account);
    expect(await facilitator.settle(next.request)).toMatchObject({
      errorReason: "wallet_refused",
    });
    await world.delegateAccount(payer, zeroAddress);
    await expectHonest(facilitator);
  });

  test("after the simulation, in company: the others are settled, and it is refused", async () => {
    const delegate = () => world.delegateAccount(payer, target);
    const facilitator = await facilitatorWith("signed", delegate);
    await expectHonest(facilitator);
    facilitator.arm();
    const { request, payTo } = await payment(world, payer.account);
    const [settled] = await Promise.all([
      facilitator.settle(request),
      expectHonest(facilitator),
      expectHonest(facilitator),
    ]);
    expect(settled).toMatchObject({ success: false, errorReason: "wallet_refused" });
    expect(await world.balanceOf(payTo)).toBe(0n);
  });
});
