import { Hono } from "hono";
import { encodeFunctionData, zeroAddress, type Hex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localDelegationManagerAbi } from "../../contracts-abi/local/local-delegation-manager.ts";
import { localWalletAbi } from "../../contracts-abi/local/local-wallet.ts";
import { paywall } from "../../src/adapters/hono.ts";
import {
  decodeHeader,
  encodeHeader,
  PAYMENT_REQUIRED,
  PAYMENT_SIGNATURE,
} from "../../src/core/header.ts";
import { PaymentRequired, type FacilitatorRequest } from "../../src/core/messages.ts";
import type { Step } from "../../facilitator/settlement/options.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import {
  signDelegation,
  type Delegation,
  type LocalWorld,
  type TestAccount,
} from "../../src/testing/index.ts";
import { requirementsOf } from "../setup/payments.ts";
import { delegatedPayment, requestOf, withPayload, type Delegated } from "./delegated.ts";
import {
  payment,
  PRICE,
  startWalletWorld,
  type WalletFacilitator,
  type WalletFacilitatorOptions,
  type WalletWorld,
} from "./world.ts";

let wallets: WalletWorld;
let world: LocalWorld;
let owner: TestAccount;
let manager: Hex;
let facilitator: WalletFacilitator;

beforeAll(async () => {
  wallets = await startWalletWorld();
  world = wallets.world;
  owner = world.newAccount();
  await world.fundEther(owner.address, 10n ** 19n);
  manager = world.contracts.delegationManager;
  facilitator = await start();
});
afterAll(() => wallets?.stop());

const start = (options: WalletFacilitatorOptions = {}): Promise<WalletFacilitator> =>
  wallets.facilitator({ ...options, scheme: { erc7710Managers: [manager], ...options.scheme } });

const delegated = (
  change: Partial<Delegation> = {},
  { funds, to = facilitator }: { funds?: bigint; to?: WalletFacilitator } = {},
): Promise<Delegated> =>
  delegatedPayment(world, owner, { delegate: to.signer.address, ...change }, funds);

async function expectRefused(
  request: FacilitatorRequest,
  reason: string,
  by = facilitator,
): Promise<void> {
  expect(await by.verify(request)).toMatchObject({ invalidReason: reason });
  expect(await by.settle(request)).toMatchObject({ errorReason: reason, transaction: "" });
}

describe("a delegation of exactly the amount", () => {
  test("pays once; the claimant is told again, nobody else is", async () => {
    const { request, payTo, wallet } = await delegated();
    expect(await facilitator.verify(request)).toMatchObject({
      isValid: true,
      payer: wallet.address,
    });
    const named = { idempotencyKey: "order" };
    const settled = await facilitator.settle(request, named);
    expect(settled).toMatchObject({ success: true, payer: wallet.address, amount: "10000" });
    expect(await facilitator.settle(request, named)).toEqual(settled);
    expect(await facilitator.verify(request, named)).toMatchObject({ isValid: true });
    await expectRefused(request, "duplicate_settlement");
    expect(await world.transfersTo(payTo)).toMatchObject([
      { from: wallet.address, value: PRICE, transactionHash: settled.transaction },
    ]);
  });

  test("pays once however many ask at once, on two replicas", async () => {
    const ledger = memoryLedger();
    const [one, two] = [await start({ ledger }), await start({ ledger })];
    const { request, payTo } = await delegated({ delegate: zeroAddress });
    const settled = await Promise.all(
      [one, two, one, two, one].map((each) => each.settle(request)),
    );
    expect(settled.filter(({ success }) => success).length).toBe(1);
    expect((await world.transfersTo(payTo)).length).toBe(1);
  });

  test("pays once although the ledger has lost its memory: the chain refuses the second", async () => {
    const { request, payTo } = await delegated({ delegate: zeroAddress });
    expect(await (await start()).settle(request)).toMatchObject({ success: true });
    const reason = "invalid_exact_evm_transaction_simulation_failed";
    await expectRefused(request, reason, await start());
    expect((await world.transfersTo(payTo)).length).toBe(1);
  });

  test("is one payment, whoever is to be paid with it", async () => {
    const { request, wallet, context } = await delegated();
    expect(await facilitator.settle(request)).toMatchObject({ success: true });
    const other = requestOf(context, wallet.address, world.newAccount().address);
    await expectRefused(other, "duplicate_settlement");
    const upper = `0x${context.slice(2).toUpperCase()}`;
    await expectRefused(withPayload(request, { permissionContext: upper }), "duplicate_settlement");
  });
});

describe("is refused", () => {
  test("a delegation of somebody else than it says, so that nobody's balance is held", async () => {
    const { request } = await delegated();
    const victim = await delegated();
    const { delegator } = victim.request.paymentPayload.payload;
    await expectRefused(withPayload(request, { delegator }), "erc7710_delegator_mismatch");
    expect(await facilitator.settle(victim.request)).toMatchObject({ success: true });
  });

  test("where the node takes no state overrides", async () => {
    const { request } = await delegated();
    wallets.rpc.setFault(({ method, params }) =>
      method === "eth_call" && (params as unknown[]).length > 2
        ? { error: { code: -32602, message: "too many arguments, want at most 2" } }
        : undefined,
    );
    await expect(facilitator.verify(request)).rejects.toThrow(/eth_call/);
    wallets.rpc.setFault(undefined);
  });

  test("what could be paid twice, or of which that is not known", async () => {
    const reason = "erc7710_single_use_not_proven";
    await expectRefused((await delegated({ maxAmount: 2n * PRICE })).request, reason);
    await expectRefused((await delegated({}, { funds: 2n * PRICE - 1n })).request, reason);
  });

  test("what was not delegated, or not to who sends it", async () => {
    const reason = "invalid_exact_evm_transaction_simulation_failed";
    await expectRefused((await delegated({ maxAmount: PRICE - 1n })).request, reason);
    const stranger = world.newAccount().address;
    await expectRefused((await delegated({ delegate: stranger })).request, reason);
    const { request } = await delegated();
    await expectRefused(withPayload(request, { permissionContext: "0x1234" }), reason);
    const poor = await delegated({}, { funds: PRICE - 1n });
    await expectRefused(poor.request, "invalid_exact_evm_insufficient_balance");
  });

  test("a manager that is not on the list, without a call to the chain", async () => {
    const { request } = await delegated();
    const other = withPayload(request, { delegationManager: world.contracts.multicall3 });
    const before = wallets.rpc.counts["eth_call"];
    await expectRefused(other, "erc7710_manager_not_allowed");
    await expectRefused(withPayload(request, { authorization: {} }), "invalid_payload");
    await expectRefused(withPayload(request, { delegator: "0x12" }), "invalid_payload");
    expect(wallets.rpc.counts["eth_call"]).toBe(before);
  });

  test("all of it, where no manager is configured", async () => {
    const { request } = await delegated();
    const plain = await wallets.facilitator();
    await expectRefused(request, "erc7710_manager_not_allowed", plain);
  });
});

describe("between simulation and block", () => {
  /** A facilitator during whose first settlement something happens on the chain. */
  async function facilitatorWith(at: Step, happens: () => Promise<unknown>) {
    let done = false;
    return await start({
      async step(step) {
        if (step !== at || done) return;
        done = true;
        await happens();
      },
    });
  }

  test("a delegation that is taken back burns bounded gas, and its wallet is refused", async () => {
    let made: Delegated | undefined;
    const careful = await facilitatorWith("signed", async () => {
      const { delegation, wallet } = made!;
      const taken = { salt: 0n, ...delegation, signature: "0x" as const };
      const data = encodeFunctionData({
        abi: localDelegationManagerAbi,
        functionName: "disableDelegation",
        args: [taken],
      });
      const hash = await world.client.writeContract({
        address: wallet.address,
        abi: localWalletAbi,
        functionName: "execute",
        args: [manager, 0n, data],
        account: owner.account,
      });
      await world.client.waitForTransactionReceipt({ hash });
    });
    made = await delegated({}, { to: careful });
    const settled = await careful.settle(made.request);
    expect(settled).toMatchObject({ errorReason: "invalid_exact_evm_transaction_failed" });
    const { gasUsed } = await world.client.getTransactionReceipt({
      hash: settled.transaction as Hex,
    });
    expect(gasUsed).toBeLessThan(500_000n);
    expect(await world.balanceOf(made.payTo)).toBe(0n);
    const salted = { ...made.delegation, salt: 1n };
    const again = requestOf(
      await signDelegation(owner, salted),
      made.wallet.address,
      world.newAccount().address,
    );
    await expectRefused(again, "wallet_refused", careful);
    const honest = await payment(world, world.accounts.payer.account);
    expect(await careful.settle(honest.request)).toMatchObject({ success: true });
  });
});

test("pays at a paywall, once", async () => {
  const { wallet, context, payTo } = await delegated();
  const { extra: _extra, asset, amount } = requirementsOf("$0.01", payTo);
  const paid = paywall({ facilitator, schemes: [exactEvm()], network: world.network, payTo });
  const app = new Hono();
  app.get("/report", paid({ amount, asset, extra: { assetTransferMethod: "erc7710" } }), (c) =>
    c.json({ report: 42 }),
  );
  const unpaid = await app.request("http://shop.test/report");
  expect(unpaid.status).toBe(402);
  const demand = unpaid.headers.get(PAYMENT_REQUIRED) ?? "";
  const { accepts } = decodeHeader(PaymentRequired, demand, "malformed_payment_required", "");
  const accepted = accepts[0]!;
  const payload = {
    delegationManager: manager,
    permissionContext: context,
    delegator: wallet.address,
  };
  const headers = { [PAYMENT_SIGNATURE]: encodeHeader({ x402Version: 2, accepted, payload }) };
  for (let i = 0; i < 2; i++) {
    const response = await app.request("http://shop.test/report", { headers });
    expect(await response.json()).toEqual({ report: 42 });
  }
  expect((await world.transfersTo(payTo)).length).toBe(1);
});
