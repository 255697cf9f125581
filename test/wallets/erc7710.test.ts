import { encodeFunctionData, encodePacked, pad, zeroAddress, type Hex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { localDelegationManagerAbi } from "../../contracts-abi/local/local-delegation-manager.ts";
import { localWalletAbi } from "../../contracts-abi/local/local-wallet.ts";
import type { FacilitatorRequest } from "../../src/core/messages.ts";
import type { Step } from "../../facilitator/settlement/options.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import {
  signDelegation,
  type Delegation,
  type LocalWorld,
  type SmartWallet,
  type TestAccount,
} from "../../src/testing/index.ts";
import { requirementsOf } from "../setup/payments.ts";
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

interface Delegated {
  readonly request: FacilitatorRequest;
  readonly payTo: Hex;
  readonly wallet: SmartWallet;
  readonly context: Hex;
  readonly delegation: Delegation;
}

/** A payment of $0.01 with a delegation of as much to a facilitator's signer. */
async function delegated(
  change: Partial<Delegation> = {},
  { funds = 5n * PRICE, to = facilitator } = {},
): Promise<Delegated> {
  const wallet = await world.newSmartWallet(owner.address);
  await world.fundToken(wallet.address, funds);
  const delegation = {
    delegate: to.signer.address,
    delegator: wallet.address,
    token: world.token,
    maxAmount: PRICE,
    expiry: BigInt((await world.now()) + 600),
    ...change,
  };
  const context = await signDelegation(owner, delegation);
  const payTo = world.newAccount().address;
  return { request: requestOf(context, wallet.address, payTo), payTo, wallet, context, delegation };
}

function requestOf(context: Hex, delegator: Hex, payTo: Hex): FacilitatorRequest {
  const { extra: _extra, ...terms } = requirementsOf("$0.01", payTo);
  const paymentRequirements = { ...terms, extra: { assetTransferMethod: "erc7710" } };
  const payload = { delegationManager: manager, permissionContext: context, delegator };
  return {
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted: paymentRequirements, payload },
    paymentRequirements,
  };
}

const withPayload = (request: FacilitatorRequest, change: object): FacilitatorRequest => ({
  ...request,
  paymentPayload: {
    ...request.paymentPayload,
    payload: { ...request.paymentPayload.payload, ...change },
  },
});

async function expectRefused(
  request: FacilitatorRequest,
  reason: string,
  by = facilitator,
): Promise<void> {
  expect(await by.verify(request)).toMatchObject({ invalidReason: reason });
  expect(await by.settle(request)).toMatchObject({ errorReason: reason, transaction: "" });
}

test("calldata is viem's", async () => {
  const { request, context } = await delegated();
  const scheme = exactEvmFacilitator({ erc7710Managers: [manager] });
  const checked = scheme.check(request.paymentPayload, request.paymentRequirements, 1);
  if (!("payment" in checked)) throw new Error("the payment must pass the checks");
  const { payTo, asset } = checked.payment;
  const data = encodeFunctionData({
    abi: erc20Abi,
    functionName: "transfer",
    args: [payTo, PRICE],
  });
  const execution = encodePacked(["address", "uint256", "bytes"], [asset, 0n, data]);
  const expected = encodeFunctionData({
    abi: localDelegationManagerAbi,
    functionName: "redeemDelegations",
    args: [[context], [pad("0x", { size: 32 })], [execution]],
  });
  expect(scheme.settlementCall(checked.payment)).toMatchObject({
    to: manager.toLowerCase(),
    data: expected,
  });
});

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

  test("has the key that the seller's side computes", async () => {
    const { request } = await delegated();
    const scheme = exactEvmFacilitator({ erc7710Managers: [manager] });
    const { paymentPayload, paymentRequirements } = request;
    const checked = scheme.check(paymentPayload, paymentRequirements, 1);
    if (!("payment" in checked)) throw new Error("the payment must pass the checks");
    const key = scheme.paymentKey(checked.payment);
    expect(exactEvm().paymentKey(paymentPayload.payload, paymentRequirements)).toBe(key);
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
    await expectRefused(request, "invalid_exact_evm_missing_eip712_domain", plain);
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
