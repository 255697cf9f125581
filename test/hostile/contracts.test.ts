import {
  encodeFunctionData,
  parseEventLogs,
  size,
  toFunctionSelector,
  type Abi,
  type Address,
  type Hex,
} from "viem";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { eip3009Abi } from "../../contracts-abi/eip3009.ts";
import { erc1271Abi, ERC1271_MAGIC_VALUE } from "../../contracts-abi/erc1271.ts";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { multicall3Abi } from "../../contracts-abi/multicall3.ts";
import { x402ExactPermit2ProxyAbi } from "../../contracts-abi/x402-exact-permit2-proxy.ts";
import { startLocalWorld, type LocalWorld, type TestAccount } from "../../src/testing/index.ts";
import { authorization, sign, sixArgs, type Authorization } from "../testing/eip3009-signing.ts";
import { permit2Payment, signPermit2 } from "../testing/permit2-signing.ts";
import { reentrantTokenAbi } from "./contracts/reentrant-token.ts";
import {
  installGasBombWallet,
  installHostileToken,
  installReturnBombWallet,
  installSimulationAwareWallet,
} from "./install-contracts.ts";

let world: LocalWorld;
let payer: TestAccount;
let payee: TestAccount;

beforeAll(async () => {
  world = await startLocalWorld();
});
afterAll(() => world?.stop());
beforeEach(async () => {
  [payer, payee] = [world.newAccount(), world.newAccount()];
  await world.fundToken(payer.address, 50_000n);
});

const callOf = (auth: Authorization, signature: Hex) => ({
  address: world.token,
  abi: eip3009Abi as Abi,
  functionName: "transferWithAuthorization",
  args: [...sixArgs(auth), signature],
  account: world.accounts.facilitator.account,
});

/** Sends an authorization without simulating it; the receipt and its events. */
async function send(auth: Authorization, signature: Hex, gas = 300_000n) {
  const hash = await world.client.writeContract({ ...callOf(auth, signature), gas });
  const receipt = await world.client.waitForTransactionReceipt({ hash });
  const transfers = parseEventLogs({ abi: erc20Abi, logs: receipt.logs, eventName: "Transfer" });
  const used = parseEventLogs({ abi: eip3009Abi, logs: receipt.logs });
  return { receipt, transfers, used: used.map(({ eventName }) => eventName) };
}

async function pay(value = 10_000n) {
  const auth = authorization(payer.address, payee.address, value);
  return { auth, ...(await send(auth, await sign(payer, "TransferWithAuthorization", auth))) };
}

const money = () => Promise.all([world.balanceOf(payer.address), world.balanceOf(payee.address)]);

describe("tokens", () => {
  test("noop: every authorization succeeds, nothing happens", async () => {
    await installHostileToken(world.client, "noop");
    const { receipt } = await pay();
    expect(receipt).toMatchObject({ status: "success", logs: [] });
    const auth = authorization(payer.address, payee.address, 1n);
    expect((await send(auth, "0x")).receipt.status).toBe("success");
    expect(await money()).toEqual([50_000n, 0n]);
  });

  test.each([
    ["other-emitter", "Transfer"],
    ["less-value", "Transfer"],
    ["swapped-parties", "Transfer"],
    ["no-indexed-parameters", undefined],
    ["other-name", undefined],
  ] as const)("%s: uses the authorization up and logs something like it", async (kind, event) => {
    await installHostileToken(world.client, kind);
    const { receipt, transfers, used, auth } = await pay();
    expect(receipt.status).toBe("success");
    expect(receipt.logs.length).toBe(2);
    expect(used).toContain("AuthorizationUsed");
    expect(transfers.map(({ eventName }) => eventName)).toEqual(event === undefined ? [] : [event]);
    const exact = transfers.filter(
      ({ address, args }) =>
        address.toLowerCase() === world.token.toLowerCase() &&
        args.from === auth.from &&
        args.to === auth.to &&
        args.value === auth.value,
    );
    expect(exact).toEqual([]);
    expect(await money()).toEqual([50_000n, 0n]);
  });

  test("doubleTransfer: two events, twice the money", async () => {
    await installHostileToken(world.client, "doubleTransfer");
    const { transfers } = await pay();
    expect(transfers.map(({ args }) => args.value)).toEqual([10_000n, 10_000n]);
    expect(await money()).toEqual([30_000n, 20_000n]);
  });

  test("fee: the payee gets less, and the events say so", async () => {
    await installHostileToken(world.client, "fee");
    const { transfers } = await pay();
    expect(transfers.map(({ args }) => args.value)).toEqual([9_900n, 100n]);
    expect(await money()).toEqual([40_000n, 9_900n]);
  });

  test("reentrant: the same authorization again, by way of Multicall3", async () => {
    await installHostileToken(world.client, "reentrant");
    const auth = authorization(payer.address, payee.address, 10_000n);
    const signature = await sign(payer, "TransferWithAuthorization", auth);
    const { address: target, abi, functionName, args } = callOf(auth, signature);
    const callData = encodeFunctionData({ abi, functionName, args });
    const data = encodeFunctionData({
      abi: multicall3Abi,
      functionName: "aggregate3",
      args: [[{ target, allowFailure: true, callData }]],
    });
    const token = { address: world.token, abi: reentrantTokenAbi } as const;
    const hash = await world.client.writeContract({
      ...token,
      functionName: "arm",
      args: [world.contracts.multicall3, data],
      account: world.accounts.facilitator.account,
    });
    await world.client.waitForTransactionReceipt({ hash });
    expect((await send(auth, signature, 1_000_000n)).receipt.status).toBe("success");
    expect(await world.client.readContract({ ...token, functionName: "succeeded" })).toBe(true);
    expect(await world.client.readContract({ ...token, functionName: "armed" })).toBe(false);
    // The token had marked the authorization as used before it called.
    expect(await money()).toEqual([40_000n, 10_000n]);
  });

  test("reentrant: the proxy again, from within the proxy, is refused", async () => {
    await installHostileToken(world.client, "reentrant");
    const { exactPermit2Proxy, permit2 } = world.contracts;
    await world.fundEther(payer.address, 10n ** 18n);
    const write = async (account: TestAccount, call: object) => {
      const hash = await world.client.writeContract({ ...call, account: account.account } as never);
      await world.client.waitForTransactionReceipt({ hash });
    };
    const token = { address: world.token, abi: reentrantTokenAbi } as const;
    await write(payer, { ...token, functionName: "approve", args: [permit2, 50_000n] });
    const settlement = async () => {
      const parts = [world.token, payer.address, payee.address, 10_000n] as const;
      const payment = permit2Payment("exact", ...parts);
      const signature = await signPermit2(payer, payment);
      const args = [payment.permit, payer.address, payment.witness, signature] as const;
      return { abi: x402ExactPermit2ProxyAbi, functionName: "settle", args } as const;
    };
    const data = encodeFunctionData(await settlement());
    const { facilitator } = world.accounts;
    await write(facilitator, { ...token, functionName: "arm", args: [exactPermit2Proxy, data] });
    await write(facilitator, { ...(await settlement()), address: exactPermit2Proxy });
    expect(await world.client.readContract({ ...token, functionName: "succeeded" })).toBe(false);
    expect(await world.client.readContract({ ...token, functionName: "returned" })).toBe(
      toFunctionSelector("ReentrancyGuardReentrantCall()"),
    );
    expect(await money()).toEqual([40_000n, 10_000n]);
  });
});

describe("wallets", () => {
  let wallet: Address;
  const ask = (gas?: bigint) =>
    world.client.call({
      to: wallet,
      data: encodeFunctionData({
        abi: erc1271Abi,
        functionName: "isValidSignature",
        args: [`0x${"42".repeat(32)}`, "0x"],
      }),
      ...(gas !== undefined && { gas }),
    });
  const payFromWallet = (gas: bigint) => {
    const auth = authorization(wallet, payee.address, 10_000n);
    return send(auth, "0x", gas);
  };

  beforeEach(async () => {
    await installHostileToken(world.client, "reentrant"); // unarmed: like the world's own
    wallet = world.newAccount().address;
    await world.fundToken(wallet, 50_000n);
  });

  test("gas bomb: burns what it is given", async () => {
    await installGasBombWallet(world.client, wallet);
    await expect(ask(1_000_000n)).rejects.toThrow();
    const { receipt } = await payFromWallet(300_000n);
    expect(receipt.status).toBe("reverted");
    expect(receipt.gasUsed).toBeGreaterThan(280_000n);
  });

  test("return bomb: a mebibyte that begins with a yes", async () => {
    await installReturnBombWallet(world.client, wallet);
    const { data } = await ask();
    expect(size(data!)).toBe(2 ** 20);
    expect(data).toMatch(new RegExp(`^${ERC1271_MAGIC_VALUE}`));
    const { receipt } = await payFromWallet(5_000_000n);
    expect(receipt.status).toBe("success");
    expect(receipt.gasUsed).toBeGreaterThan(2_000_000n);
  });

  test("return bomb: reverts with a mebibyte", async () => {
    await installReturnBombWallet(world.client, wallet, { reverts: true });
    await expect(ask()).rejects.toThrow();
    expect((await payFromWallet(10_000_000n)).receipt.status).toBe("reverted");
  });

  test("simulation-aware: a yes in eth_call, a no in a block", async () => {
    await installSimulationAwareWallet(world.client, wallet);
    expect((await ask()).data).toMatch(new RegExp(`^${ERC1271_MAGIC_VALUE}`));
    const auth = authorization(wallet, payee.address, 10_000n);
    await world.client.simulateContract(callOf(auth, "0x"));
    // As a transaction would be sent, with a price, it is found out.
    const priced = { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1n };
    await expect(
      world.client.simulateContract({ ...callOf(auth, "0x"), ...priced }),
    ).rejects.toThrow(/invalid signature/);
    expect((await send(auth, "0x")).receipt.status).toBe("reverted");
    expect(await world.balanceOf(payee.address)).toBe(0n);
  });
});
