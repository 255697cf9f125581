/** What a simulation of an EIP-3009 payment finds, on a real chain, through the whole facilitator. */
import { encodeFunctionData, parseSignature, type Hex } from "viem";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { eip3009Abi } from "../../contracts-abi/eip3009.ts";
import type { Reason } from "../../src/core/reasons.ts";
import { KNOWN_ASSETS } from "../../src/evm/facilitator.ts";
import { installToken, type LocalWorld, type TestAccount } from "../../src/testing/index.ts";
import {
  payment,
  PRICE,
  startWalletWorld,
  type WalletFacilitator,
  type WalletWorld,
} from "./world.ts";

const TOKEN: Hex = "0xbad0000000000000000000000000000000000002";
let wallets: WalletWorld;
let world: LocalWorld;
let facilitator: WalletFacilitator;
let payer: TestAccount;

beforeAll(async () => {
  wallets = await startWalletWorld();
  world = wallets.world;
  const usdc = KNOWN_ASSETS.find(({ network }) => network === world.network)!;
  const assets = [TOKEN, world.contracts.plainToken].map((address) => ({ ...usdc, address }));
  facilitator = await wallets.facilitator({ scheme: { assets: [...KNOWN_ASSETS, ...assets] } });
});
afterAll(() => wallets?.stop());
beforeEach(() => {
  payer = world.newAccount();
});

async function expectRefused(signed: Awaited<ReturnType<typeof payment>>, reason: Reason) {
  expect(await facilitator.verify(signed.request)).toMatchObject({ invalidReason: reason });
  expect(await facilitator.settle(signed.request)).toMatchObject({
    errorReason: reason,
    transaction: "",
  });
}

test("invalid_exact_evm_eip3009_not_supported", async () => {
  const { plainToken } = world.contracts;
  await world.fundToken(payer.address, PRICE, plainToken);
  const signed = await payment(world, payer.account, plainToken);
  await expectRefused(signed, "invalid_exact_evm_eip3009_not_supported");
});

test.each<[Reason, { name?: string; version?: string }]>([
  ["invalid_exact_evm_token_name_mismatch", { name: "USD Coin" }],
  ["invalid_exact_evm_token_version_mismatch", { version: "1" }],
])("%s", async (reason, token) => {
  await installToken(world.client, TOKEN, token);
  await world.fundToken(payer.address, PRICE, TOKEN);
  await expectRefused(await payment(world, payer.account, TOKEN), reason);
});

test("invalid_exact_evm_insufficient_balance", async () => {
  await world.fundToken(payer.address, PRICE - 1n);
  const signed = await payment(world, payer.account);
  await expectRefused(signed, "invalid_exact_evm_insufficient_balance");
});

test("invalid_exact_evm_nonce_already_used", async () => {
  await world.fundToken(payer.address, 2n * PRICE);
  const signed = await payment(world, payer.account);
  const { nonce } = signed.request.paymentPayload.payload["authorization"] as { nonce: Hex };
  const cancelled = await payer.account.signTypedData({
    domain: { name: "USDC", version: "2", chainId: world.chainId, verifyingContract: world.token },
    types: {
      CancelAuthorization: [
        { name: "authorizer", type: "address" },
        { name: "nonce", type: "bytes32" },
      ],
    },
    primaryType: "CancelAuthorization",
    message: { authorizer: payer.address, nonce },
  });
  const { r, s, yParity } = parseSignature(cancelled);
  const hash = await world.client.sendTransaction({
    account: world.accounts.facilitator.account,
    to: world.token,
    data: encodeFunctionData({
      abi: eip3009Abi,
      functionName: "cancelAuthorization",
      args: [payer.address, nonce, yParity + 27, r, s],
    }),
  });
  await world.client.waitForTransactionReceipt({ hash });
  await expectRefused(signed, "invalid_exact_evm_nonce_already_used");
});
