/** Payments with Permit2 whose payer brings along the signed transaction that allows it. */
import { encodeFunctionData, maxUint256, parseTransaction, type Address, type Hex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { createFacilitator, evmChain, type FacilitatorEngine } from "../../facilitator/index.ts";
import type { FacilitatorRequest } from "../../src/core/messages.ts";
import { exactEvmFacilitator, uptoEvmFacilitator } from "../../src/evm/facilitator.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import {
  LOCAL_CONTRACTS,
  startLocalWorld,
  type LocalWorld,
  type TestAccount,
} from "../../src/testing/index.ts";
import {
  PERMIT,
  PLAIN,
  permit2Payer,
  plainRequirements,
  sponsoredRequest,
  uptoRequirements,
} from "../setup/permit2.ts";

const APPROVAL = "erc20ApprovalGasSponsoring";

let world: LocalWorld;
const facilitators: FacilitatorEngine[] = [];
beforeAll(async () => {
  world = await startLocalWorld();
});
afterAll(async () => {
  await Promise.all(facilitators.map((each) => each.close(1000)));
  await world.stop();
});

async function start(settleTimeoutMs = 5000) {
  const signer = world.newAccount();
  await world.fundEther(signer.address, 10n ** 18n);
  const assets = [PLAIN, PERMIT];
  const facilitator = createFacilitator({
    schemes: [exactEvmFacilitator({ assets }), uptoEvmFacilitator({ assets })],
    ledger: memoryLedger(),
    chains: [
      evmChain({ network: world.network, rpcUrls: [world.rpcUrl], signers: [signer.account] }),
    ],
    sponsoring: { perPayerPerDay: 10n ** 18n, perDay: 10n ** 18n },
    settleTimeoutMs,
  });
  facilitators.push(facilitator);
  const sent = () => world.client.getTransactionCount({ address: signer.address });
  return { facilitator, signer, sent };
}

async function pay({ ether = 10n ** 17n, upto }: { ether?: bigint; upto?: Address } = {}) {
  const payer = await permit2Payer(world, { allowance: 0n });
  if (ether > 0n) await world.fundEther(payer.address, ether);
  const payTo = world.newAccount().address;
  const requirements = upto ? uptoRequirements(payTo, upto) : plainRequirements(payTo);
  const request = await sponsoredRequest(world, payer, requirements, {
    way: "erc20Approval",
    ...(upto && { charge: "4000" }),
  });
  return { payer, payTo, request };
}

type Info = { signedTransaction: Hex; amount: string };
const infoOf = ({ paymentPayload }: FacilitatorRequest) =>
  (paymentPayload.extensions as Record<string, { info: Info }>)[APPROVAL]!.info;
const received = (payTo: Address) => world.balanceOf(payTo, PLAIN.address);
const approve = (spender: Address = LOCAL_CONTRACTS.permit2, amount = maxUint256) =>
  encodeFunctionData({ abi: erc20Abi, functionName: "approve", args: [spender, amount] });

/** The payer's approval with something else in it, signed anew. */
async function signAnew(payer: TestAccount, request: FacilitatorRequest, change: object) {
  const { to, data, chainId, nonce, gas, maxFeePerGas } = parseTransaction(
    infoOf(request).signedTransaction,
  );
  const transaction = { to, data, chainId, nonce, gas, maxFeePerGas, ...change };
  return await payer.account.signTransaction(
    transaction as Parameters<typeof payer.account.signTransaction>[0],
  );
}

test("is signed only by a buyer who said so, and for a token without EIP-2612", async () => {
  const { request } = await pay();
  expect(parseTransaction(infoOf(request).signedTransaction)).toMatchObject({
    type: "eip1559",
    chainId: world.chainId,
    data: approve(),
  });
});

test.each(["exact", "upto"])(
  "%s: the approval is relayed, and the payment settled",
  async (scheme) => {
    const { facilitator, signer, sent } = await start();
    const { request, payTo, payer } = await pay(scheme === "upto" ? { upto: signer.address } : {});
    const asked = { ...request, paymentRequirements: request.paymentPayload.accepted };
    expect(await facilitator.verify(asked)).toEqual({ isValid: true, payer: payer.address });
    expect(await sent()).toBe(0);
    const named = { idempotencyKey: "order" };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => facilitator.settle(request, named)),
    );
    expect(answers.map(({ success, errorReason }) => errorReason ?? success)).toEqual(
      answers.map(() => true),
    );
    expect(await received(payTo)).toBe(scheme === "upto" ? 4000n : 10_000n);
    expect(await sent()).toBe(1);
    expect(await world.client.getTransactionCount({ address: payer.address })).toBe(1);
  },
);

test("what is not mined in time is not lost: the same request goes on with it", async () => {
  const { facilitator, sent } = await start(700);
  const { request, payTo } = await pay();
  const named = { idempotencyKey: "order" };
  await world.setAutomine(false);
  try {
    await expect(facilitator.settle(request, named)).rejects.toMatchObject({
      code: "settlement_pending",
    });
    expect(await sent()).toBe(0);
  } finally {
    await world.setAutomine(true);
  }
  await world.mine();
  expect(await facilitator.settle(request, named)).toMatchObject({ success: true });
  expect(await received(payTo)).toBe(10_000n);
});

test("somebody has sent it before: the allowance counts", async () => {
  const { facilitator } = await start();
  const { request, payTo } = await pay();
  const hash = await world.client.sendRawTransaction({
    serializedTransaction: infoOf(request).signedTransaction,
  });
  await world.client.waitForTransactionReceipt({ hash });
  expect(await facilitator.verify(request)).toMatchObject({ isValid: true });
  expect(await facilitator.settle(request)).toMatchObject({ success: true });
  expect(await received(payTo)).toBe(10_000n);
});

describe("is refused with its reason", () => {
  const OTHER = "0x5111e00000000000000000000000000000000001";
  async function expectRefused(request: FacilitatorRequest, reason: string) {
    const { facilitator, sent } = await start();
    expect(await facilitator.verify(request)).toMatchObject({ invalidReason: reason });
    expect(await facilitator.settle(request)).toMatchObject({ errorReason: reason });
    expect(await sent()).toBe(0);
  }

  test.each([
    ["invalid_erc20_approval_extension_format", { signedTransaction: "0x123" }],
    ["invalid_erc20_approval_extension_format", { signedTransaction: `0x${"12".repeat(4096)}` }],
    ["invalid_erc20_approval_extension_format", { amount: "-1" }],
    ["erc20_approval_from_mismatch", { from: OTHER }],
    ["erc20_approval_asset_mismatch", { asset: PERMIT.address }],
    ["erc20_approval_spender_not_permit2", { spender: OTHER }],
    ["erc20_approval_tx_invalid_calldata", { amount: "9999" }],
    ["erc20_approval_tx_invalid_calldata", { amount: "20000" }],
    ["erc20_approval_tx_parse_failed", { signedTransaction: "0x" + "02".repeat(120) }],
    ["erc20_approval_tx_parse_failed", { signedTransaction: "0x02c0" }],
    ["erc20_approval_tx_parse_failed", { signedTransaction: "0x01c0" }],
  ])("%s %o", async (reason, change) => {
    const { request } = await pay();
    Object.assign(infoOf(request), change);
    await expectRefused(request, reason);
  });

  test.each([
    [
      "erc20_approval_tx_parse_failed",
      { type: "legacy", gasPrice: 10n ** 9n, maxFeePerGas: undefined },
    ],
    ["erc20_approval_tx_parse_failed", { chainId: 1 }],
    ["erc20_approval_tx_parse_failed", { value: 1n }],
    ["erc20_approval_tx_parse_failed", { gas: 1_000_000n }],
    [
      "erc20_approval_tx_parse_failed",
      { accessList: [{ address: OTHER, storageKeys: [] }], type: "eip1559" },
    ],
    ["erc20_approval_tx_wrong_target", { to: PERMIT.address }],
    ["erc20_approval_tx_wrong_selector", { data: `0xa9059cbb${"0".repeat(128)}` }],
    ["erc20_approval_tx_wrong_selector", { data: undefined }],
    ["erc20_approval_tx_wrong_spender", { data: approve(OTHER) }],
    ["erc20_approval_tx_invalid_calldata", { data: approve(undefined, 10_000n) }],
    ["erc20_approval_tx_invalid_calldata", { data: `${approve()}00` }],
    ["erc20_approval_tx_failed", { nonce: 5 }],
    ["erc20_approval_tx_failed", { maxFeePerGas: 1n, maxPriorityFeePerGas: 0n }],
    ["erc20_approval_tx_failed", { gas: 22_000n }],
  ] as const)("%s %o", async (reason, change) => {
    const { request, payer } = await pay();
    const signedTransaction = await signAnew(payer, request, change);
    Object.assign(infoOf(request), { signedTransaction });
    await expectRefused(request, reason);
  });

  test("another's signature, and none", async () => {
    const { request } = await pay();
    const stranger = world.newAccount();
    const forged = await signAnew(stranger, request, {});
    Object.assign(infoOf(request), { signedTransaction: forged });
    await expectRefused(request, "erc20_approval_tx_signer_mismatch");
    const noPoint = forged.slice(0, -64) + "f".repeat(64);
    Object.assign(infoOf(request), { signedTransaction: noPoint });
    await expectRefused(request, "erc20_approval_tx_invalid_signature");
  });

  test("a payer who cannot pay the gas: no ether is given", async () => {
    const { request } = await pay({ ether: 0n });
    await expectRefused(request, "erc20_approval_not_funded");
  });

  test("a payer with code, whose ether others may move", async () => {
    const { request, payer } = await pay();
    await world.client.setCode({ address: payer.address, bytecode: "0x00" });
    await expectRefused(request, "erc20_approval_tx_failed");
  });

  test("a payer without enough of the token", async () => {
    const { request, payer } = await pay();
    const hash = await world.client.writeContract({
      account: payer.account,
      address: PLAIN.address,
      abi: erc20Abi,
      functionName: "transfer",
      args: [OTHER, 995_000n],
    });
    await world.client.waitForTransactionReceipt({ hash });
    await expectRefused(request, "permit2_insufficient_balance");
  });
});
