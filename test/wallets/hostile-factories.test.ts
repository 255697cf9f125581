/** What a wallet that is not on the chain yet can cost. */
import { encodeFunctionData, type Hex } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { localWalletAbi } from "../../contracts-abi/local/local-wallet.ts";
import type { LocalWorld, TestAccount } from "../../src/testing/index.ts";
import { installGasBombWallet } from "../hostile/install-contracts.ts";
import {
  payment,
  PRICE,
  startWalletWorld,
  wrappedSigner,
  type WalletFacilitatorOptions,
  type WalletWorld,
} from "./world.ts";

let wallets: WalletWorld;
let world: LocalWorld;
let owner: TestAccount;

beforeAll(async () => {
  wallets = await startWalletWorld();
  world = wallets.world;
  owner = world.newAccount();
  await world.fundEther(owner.address, 10n ** 19n);
});
afterAll(() => wallets?.stop());

async function newWallet() {
  const wallet = await world.newSmartWallet(owner.address, { deploy: false });
  await world.fundToken(wallet.address, PRICE);
  return wallet;
}

test("a factory that burns all gas is bounded, and makes no wallet valid", async () => {
  const factory = world.newAccount().address;
  await installGasBombWallet(world.client, factory);
  const facilitator = await wallets.facilitator({
    scheme: { erc6492Factories: [{ address: factory }] },
  });
  const factoryCalldata = encodeFunctionData({
    abi: [
      {
        type: "function",
        name: "isValidSignature",
        stateMutability: "view",
        inputs: [{ type: "bytes32" }, { type: "bytes" }],
        outputs: [{ type: "bytes4" }],
      },
    ],
    args: [`0x${"42".repeat(32)}`, "0x"],
  });
  const wallet = { ...(await newWallet()), factory, factoryCalldata };
  const { request } = await payment(world, wrappedSigner(wallet, owner));
  expect(await facilitator.settle(request)).toMatchObject({
    errorReason: "invalid_exact_evm_signature",
  });
  expect(await world.client.getTransactionCount({ address: facilitator.signer.address })).toBe(0);
});

test("an owner who makes the wallet and empties it after the simulation is refused, and its factory has a budget", async () => {
  let armed: Awaited<ReturnType<typeof newWallet>> | undefined;
  const options: WalletFacilitatorOptions = {
    chain: { sharedGasBudget: 50_000n },
    async step(step) {
      if (step !== "signed" || armed === undefined) return;
      const wallet = armed;
      armed = undefined;
      await world.deploySmartWallet(wallet);
      const data = encodeFunctionData({
        abi: erc20Abi,
        functionName: "transfer",
        args: [owner.address, PRICE],
      });
      const hash = await world.client.writeContract({
        address: wallet.address,
        abi: localWalletAbi,
        functionName: "execute",
        args: [world.token, 0n, data],
        account: owner.account,
      });
      await world.client.waitForTransactionReceipt({ hash });
    },
  };
  const facilitator = await wallets.facilitator(options);
  const wallet = await newWallet();
  const { request, payTo } = await payment(world, wrappedSigner(wallet, owner));
  armed = wallet;
  const settled = await facilitator.settle(request);
  expect(settled).toMatchObject({ errorReason: "invalid_exact_evm_transaction_failed" });
  expect(await world.balanceOf(payTo)).toBe(0n);
  const receipt = await world.client.getTransactionReceipt({ hash: settled.transaction as Hex });
  expect(receipt.gasUsed).toBeLessThan(300_000n);
  expect(receipt.gasUsed).toBeGreaterThan(50_000n);

  await world.fundToken(wallet.address, PRICE);
  const again = await payment(world, wrappedSigner(wallet, owner));
  expect(await facilitator.settle(again.request)).toMatchObject({ errorReason: "wallet_refused" });
  const other = await payment(world, wrappedSigner(await newWallet(), owner));
  expect(await facilitator.settle(other.request)).toMatchObject({
    errorReason: "wallet_gas_budget_exceeded",
  });
  const honest = await payment(world, world.accounts.payer.account);
  expect(await facilitator.settle(honest.request)).toMatchObject({ success: true });
});
