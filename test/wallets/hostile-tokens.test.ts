/** Tokens that lie, through the whole facilitator; payments in an honest token go on beside each. */
import { encodeFunctionData, type Hex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eip3009Abi } from "../../contracts-abi/eip3009.ts";
import { multicall3Abi } from "../../contracts-abi/multicall3.ts";
import { KNOWN_ASSETS } from "../../src/evm/facilitator.ts";
import { installToken, type LocalWorld } from "../../src/testing/index.ts";
import { reentrantTokenAbi } from "../hostile/contracts/reentrant-token.ts";
import { installHostileToken, type HostileToken } from "../hostile/install-contracts.ts";
import {
  payment,
  PRICE,
  startWalletWorld,
  type WalletFacilitator,
  type WalletWorld,
} from "./world.ts";

const KEY_GAS = 150_000n;
const TOKEN: Hex = "0xbad0000000000000000000000000000000000001";
let wallets: WalletWorld;
let world: LocalWorld;
let facilitator: WalletFacilitator;

beforeAll(async () => {
  wallets = await startWalletWorld();
  world = wallets.world;
  const usdc = KNOWN_ASSETS.find(({ network }) => network === world.network)!;
  await installToken(world.client, TOKEN);
  facilitator = await wallets.facilitator({
    scheme: { assets: [...KNOWN_ASSETS, { ...usdc, address: TOKEN }] },
  });
});
afterAll(() => wallets?.stop());

/** A payment in the hostile token, by a payer who has enough of it. */
async function hostilePayment() {
  const payer = world.newAccount();
  await world.fundToken(payer.address, 5n * PRICE, TOKEN);
  return await payment(world, payer.account, TOKEN);
}

async function expectHonest(): Promise<void> {
  const { request, payTo } = await payment(world, world.accounts.payer.account);
  expect(await facilitator.settle(request)).toMatchObject({ success: true });
  expect(await world.balanceOf(payTo)).toBe(PRICE);
}

describe.each<HostileToken>([
  "noop",
  "other-emitter",
  "less-value",
  "swapped-parties",
  "no-indexed-parameters",
  "other-name",
  "doubleTransfer",
  "fee",
])("a token that is %s", (kind) => {
  test("is never a success, burns no more than its limit, and holds nobody up", async () => {
    await installToken(world.client, TOKEN);
    const { request, payTo } = await hostilePayment();
    await installHostileToken(world.client, kind, TOKEN);
    const before = await world.balanceOf(payTo, TOKEN);
    const [settled] = await Promise.all([
      facilitator.settle(request, { idempotencyKey: kind }),
      expectHonest(),
      expectHonest(),
    ]);
    expect(settled).toMatchObject({
      success: false,
      errorReason: "invalid_exact_evm_transfer_event_mismatch",
    });
    const hash = settled.transaction as Hex;
    const { gasUsed } = await world.client.getTransactionReceipt({ hash });
    expect(gasUsed).toBeLessThan(4n * KEY_GAS);
    expect(await facilitator.settle(request, { idempotencyKey: kind })).toEqual(settled);
    expect((await world.balanceOf(payTo, TOKEN)) - before).not.toBe(PRICE);
    await expectHonest();
  });
});

test("a token that calls the settlement again from within is refused, and moves nothing", async () => {
  await installToken(world.client, TOKEN);
  const { request, payTo } = await hostilePayment();
  await installHostileToken(world.client, "reentrant", TOKEN);
  const { authorization: auth, signature } = request.paymentPayload.payload as {
    authorization: Record<"from" | "to" | "value" | "validAfter" | "validBefore" | "nonce", Hex>;
    signature: Hex;
  };
  const callData = encodeFunctionData({
    abi: eip3009Abi,
    functionName: "transferWithAuthorization",
    args: [
      ...([auth.from, auth.to, BigInt(auth.value), BigInt(auth.validAfter)] as const),
      ...([BigInt(auth.validBefore), auth.nonce, signature] as const),
    ],
  });
  const again = encodeFunctionData({
    abi: multicall3Abi,
    functionName: "aggregate3",
    args: [[{ target: TOKEN, allowFailure: true, callData }]],
  });
  const hash = await world.client.writeContract({
    address: TOKEN,
    abi: reentrantTokenAbi,
    functionName: "arm",
    args: [world.contracts.multicall3, again],
    account: world.accounts.facilitator.account,
  });
  await world.client.waitForTransactionReceipt({ hash });
  const [settled] = await Promise.all([facilitator.settle(request), expectHonest()]);
  // It notes down what came of its call, which takes more gas than a settlement may use.
  expect(settled).toMatchObject({
    errorReason: "invalid_exact_evm_transaction_simulation_failed",
    transaction: "",
  });
  expect(await world.transfersTo(payTo, TOKEN)).toEqual([]);
  await expectHonest();
});
