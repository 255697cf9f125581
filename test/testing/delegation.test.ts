import {
  concat,
  encodeFunctionData,
  encodePacked,
  pad,
  zeroAddress,
  type Address,
  type Hex,
} from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { localDelegationManagerAbi } from "../../contracts-abi/local/local-delegation-manager.ts";
import {
  signDelegation,
  startLocalWorld,
  type Delegation,
  type LocalWorld,
} from "../../src/testing/index.ts";

/** ERC-7579: a single call that reverts when it fails. */
const MODE = pad("0x", { size: 32 });
let world: LocalWorld;

beforeAll(async () => {
  world = await startLocalWorld();
});
afterAll(() => world?.stop());

/** `token.transfer(to, amount)`, packed as ERC-7579 says. */
function execution(to: Address, amount: bigint, token: Address = world.token): Hex {
  const data = encodeFunctionData({ abi: erc20Abi, functionName: "transfer", args: [to, amount] });
  return encodePacked(["address", "uint256", "bytes"], [token, 0n, data]);
}

async function redeem(context: Hex, call: Hex, from = world.accounts.facilitator, mode = MODE) {
  const contract = {
    address: world.contracts.delegationManager,
    abi: localDelegationManagerAbi,
    functionName: "redeemDelegations",
    args: [[context], [mode], [call]],
    account: from.account,
  } as const;
  await world.client.simulateContract(contract);
  const hash = await world.client.writeContract(contract);
  return world.client.waitForTransactionReceipt({ hash });
}

/** A wallet with money, and a delegation of 10,000 of it to the facilitator. */
async function delegation() {
  const [owner, payee] = [world.newAccount(), world.newAccount()];
  const { address } = await world.newSmartWallet(owner.address);
  await world.fundToken(address, 50_000n);
  const delegated: Delegation = {
    delegate: world.accounts.facilitator.address,
    delegator: address,
    token: world.token,
    maxAmount: 10_000n,
    expiry: BigInt((await world.now()) + 600),
  };
  return { owner, payee, wallet: address, delegated };
}

test("moves the money of a smart wallet, up to the amount in all", async () => {
  const { owner, payee, wallet, delegated } = await delegation();
  const context = await signDelegation(owner, delegated);
  await redeem(context, execution(payee.address, 6_000n));
  expect(await world.transfersTo(payee.address)).toMatchObject([{ from: wallet, value: 6_000n }]);
  await expect(redeem(context, execution(payee.address, 4_001n))).rejects.toThrow(
    /AmountExceedsDelegation/,
  );
  await redeem(context, execution(payee.address, 4_000n));
  expect(await world.balanceOf(payee.address)).toBe(10_000n);
  expect(await world.balanceOf(wallet)).toBe(40_000n);
});

test("moves the money of an account that delegates (EIP-7702)", async () => {
  const { payee, delegated } = await delegation();
  const payer = world.newAccount();
  await world.fundToken(payer.address, 10_000n);
  await world.delegateAccount(payer);
  const context = await signDelegation(payer, { ...delegated, delegator: payer.address });
  await redeem(context, execution(payee.address, 10_000n));
  expect(await world.balanceOf(payee.address)).toBe(10_000n);
});

test("refuses what was not delegated", async () => {
  const { owner, payee, delegated } = await delegation();
  const { deployer } = world.accounts;
  const right = execution(payee.address, 10_000n);
  const context = await signDelegation(owner, delegated);
  await expect(redeem(context, right, deployer)).rejects.toThrow(/NotTheDelegate/);
  await expect(redeem(await signDelegation(payee, delegated), right)).rejects.toThrow(
    /InvalidDelegationSignature/,
  );
  const { plainToken } = world.contracts;
  for (const wrong of [
    execution(payee.address, 1n, plainToken),
    concat([right, "0x00"]),
    encodePacked(["address", "uint256", "bytes"], [world.token, 1n, `0x${right.slice(106)}`]),
  ]) {
    await expect(redeem(context, wrong)).rejects.toThrow(/NotATransferOfTheToken/);
  }
  await expect(
    redeem(context, right, world.accounts.facilitator, pad("0x01", { size: 32, dir: "right" })),
  ).rejects.toThrow();
  const old = await signDelegation(owner, { ...delegated, expiry: BigInt(await world.now()) });
  await expect(redeem(old, right)).rejects.toThrow(/DelegationExpired/);
  const anybody = await signDelegation(owner, { ...delegated, delegate: zeroAddress, salt: 1n });
  await redeem(anybody, right, deployer);
  expect(await world.balanceOf(payee.address)).toBe(10_000n);
});
