import { domainSeparator, encodeFunctionData, type Abi, type Hex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eip2612Abi } from "../../contracts-abi/eip2612.ts";
import { eip3009Abi } from "../../contracts-abi/eip3009.ts";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { multicall3Abi, MULTICALL3_ADDRESS } from "../../contracts-abi/multicall3.ts";
import { installWallet, startLocalWorld, type LocalWorld } from "../../src/testing/index.ts";
import { authorization, DOMAIN, sign, sixArgs, vrs } from "./eip3009-signing.ts";

const abi = [...eip3009Abi, ...eip2612Abi, ...erc20Abi] as Abi;
let world: LocalWorld;

beforeAll(async () => {
  world = await startLocalWorld();
});
afterAll(() => world?.stop());

/** Simulates, then sends from the facilitator. Rejects with the token's own message. */
async function send(
  functionName: string,
  args: readonly unknown[],
  from = world.accounts.facilitator,
) {
  const call = { address: world.token, abi, functionName, args, account: from.account };
  await world.client.simulateContract(call);
  const hash = await world.client.writeContract(call);
  return world.client.waitForTransactionReceipt({ hash });
}

const read = (functionName: string, args: readonly unknown[] = []) =>
  world.client.readContract({ address: world.token, abi, functionName, args });

/** A new payer with some token, a new payee, and an authorization between them. */
async function payment(value = 10_000n, funds = 50_000n) {
  const [payer, payee] = [world.newAccount(), world.newAccount()];
  await world.fundToken(payer.address, funds);
  return { payer, payee, auth: authorization(payer.address, payee.address, value) };
}

describe("the token", () => {
  test("has the metadata and the EIP-712 domain of USDC on Base Sepolia", async () => {
    expect(world.token).toBe("0x036CbD53842c5426634e7929541eC2318f3dCF7e");
    expect(
      await Promise.all(["name", "symbol", "version", "decimals"].map((f) => read(f))),
    ).toEqual(["USDC", "USDC", "2", 6]);
    expect(await read("DOMAIN_SEPARATOR")).toBe(domainSeparator({ domain: DOMAIN }));
    // What the contract on Base Sepolia answers.
    expect(await read("DOMAIN_SEPARATOR")).toBe(
      "0x71f17a3b2ff373b803d70a5a07c046c1a2bc8e89c09ef722fcb047abe94c9818",
    );
  });

  test.each(["(v, r, s)", "bytes"])("moves money by authorization, once: %s", async (overload) => {
    const { payer, payee, auth } = await payment();
    const signature = await sign(payer, "TransferWithAuthorization", auth);
    const rest = overload === "bytes" ? [signature] : vrs(signature);
    const args = [...sixArgs(auth), ...rest];
    expect(await read("authorizationState", [payer.address, auth.nonce])).toBe(false);
    const receipt = await send("transferWithAuthorization", args);
    expect(receipt.logs.length).toBe(2);
    expect(await world.balanceOf(payer.address)).toBe(40_000n);
    expect(await world.balanceOf(payee.address)).toBe(10_000n);
    expect(await read("authorizationState", [payer.address, auth.nonce])).toBe(true);
    expect(await world.transfersTo(payee.address)).toMatchObject([
      {
        from: payer.address,
        value: 10_000n,
        transactionHash: receipt.transactionHash,
        logIndex: 1,
      },
    ]);
    await expect(send("transferWithAuthorization", args)).rejects.toThrow(/used or canceled/);
    expect(await world.balanceOf(payee.address)).toBe(10_000n);
  });

  test("costs about as much gas as USDC", async () => {
    const gas: bigint[] = [];
    for (const payeeFunds of [0n, 1n]) {
      const { payer, payee, auth } = await payment();
      await world.fundToken(payee.address, payeeFunds);
      const signature = await sign(payer, "TransferWithAuthorization", auth);
      const receipt = await send("transferWithAuthorization", [
        ...sixArgs(auth),
        ...vrs(signature),
      ]);
      gas.push(receipt.gasUsed);
    }
    // Calldata differs by some zero bytes from payment to payment, at 12 gas each.
    expect(Math.abs(Number(gas[0]) - 85_800), `new payee: ${gas[0]}`).toBeLessThan(150);
    expect(Math.abs(Number(gas[1]) - 68_700), `known payee: ${gas[1]}`).toBeLessThan(150);
  });

  test("is strict about time at both ends", async () => {
    const { payer, auth } = await payment();
    const at = BigInt(await world.now()) + 100n;
    const tryAt = async (validAfter: bigint, validBefore: bigint) => {
      const bounded = { ...auth, validAfter, validBefore };
      const signature = await sign(payer, "TransferWithAuthorization", bounded);
      return send("transferWithAuthorization", [...sixArgs(bounded), signature]);
    };
    const id = await world.snapshot();
    await world.setNextBlockTimestamp(Number(at));
    await world.mine();
    const simulated = (await world.client.getBlock()).timestamp;
    expect(simulated).toBe(at);
    await expect(tryAt(at + 60n, at + 600n)).rejects.toThrow(/not yet valid/);
    await expect(tryAt(0n, at)).rejects.toThrow(/expired/);
    await world.client.setBlockTimestampInterval({ interval: 0 }); // so "now" stays `at`
    await expect(tryAt(at, at + 60n)).rejects.toThrow(/not yet valid/);
    await tryAt(at - 1n, at + 1n);
    await world.client.removeBlockTimestampInterval();
    await world.revert(id);
  });

  test("refuses foreign and changed signatures, and overdrafts", async () => {
    const { payer, payee, auth } = await payment();
    const foreign = await sign(payee, "TransferWithAuthorization", auth);
    const own = await sign(payer, "TransferWithAuthorization", auth);
    const receive = await sign(payer, "ReceiveWithAuthorization", auth);
    const args = sixArgs(auth);
    for (const call of [
      [...args, foreign],
      [...args, ...vrs(foreign)],
      [...args, receive],
      [...args, `${own}00` as Hex],
      [...sixArgs({ ...auth, value: 10_001n }), own],
    ]) {
      await expect(send("transferWithAuthorization", call)).rejects.toThrow(/invalid signature/);
    }
    const tooMuch = { ...auth, value: 50_001n };
    const signature = await sign(payer, "TransferWithAuthorization", tooMuch);
    await expect(
      send("transferWithAuthorization", [...sixArgs(tooMuch), signature]),
    ).rejects.toThrow(/exceeds balance/);
    expect(await world.balanceOf(payee.address)).toBe(0n);
  });

  test.each(["(v, r, s)", "bytes"])("lets only the payee receive: %s", async (overload) => {
    const { payer, payee, auth } = await payment();
    await world.fundEther(payee.address, 10n ** 18n);
    const signature = await sign(payer, "ReceiveWithAuthorization", auth);
    const args = [...sixArgs(auth), ...(overload === "bytes" ? [signature] : vrs(signature))];
    await expect(send("receiveWithAuthorization", args)).rejects.toThrow(/must be the payee/);
    await send("receiveWithAuthorization", args, payee);
    expect(await world.balanceOf(payee.address)).toBe(10_000n);
  });

  test.each(["(v, r, s)", "bytes"])("cancels an authorization: %s", async (overload) => {
    const { payer, payee, auth } = await payment();
    const cancel = { authorizer: payer.address, nonce: auth.nonce };
    const rest = (signature: Hex) => (overload === "bytes" ? [signature] : vrs(signature));
    const foreign = rest(await sign(payee, "CancelAuthorization", cancel));
    const own = rest(await sign(payer, "CancelAuthorization", cancel));
    await expect(
      send("cancelAuthorization", [payer.address, auth.nonce, ...foreign]),
    ).rejects.toThrow(/invalid signature/);
    await send("cancelAuthorization", [payer.address, auth.nonce, ...own]);
    const signature = await sign(payer, "TransferWithAuthorization", auth);
    await expect(send("transferWithAuthorization", [...sixArgs(auth), signature])).rejects.toThrow(
      /used or canceled/,
    );
  });

  test.each(["(v, r, s)", "bytes"])("takes permits: %s", async (overload) => {
    const { payer, payee } = await payment();
    const permit = { owner: payer.address, spender: payee.address, value: 7n, nonce: 0n };
    const deadline = BigInt(await world.now()) + 1000n;
    const signature = await sign(payer, "Permit", { ...permit, deadline });
    const rest = overload === "bytes" ? [signature] : vrs(signature);
    const args = [payer.address, payee.address, 7n, deadline, ...rest];
    await send("permit", args);
    expect(await read("allowance", [payer.address, payee.address])).toBe(7n);
    expect(await read("nonces", [payer.address])).toBe(1n);
    await expect(send("permit", args)).rejects.toThrow(/invalid signature/);
  });

  test("asks a smart wallet about signatures (ERC-1271)", async () => {
    const { payer: owner, payee } = await payment();
    const wallet = world.newAccount().address;
    await installWallet(world.client, wallet, owner.address);
    await world.fundToken(wallet, 50_000n);
    const auth = authorization(wallet, payee.address, 10_000n);
    const foreign = await sign(payee, "TransferWithAuthorization", auth);
    await expect(send("transferWithAuthorization", [...sixArgs(auth), foreign])).rejects.toThrow(
      /invalid signature/,
    );
    const signature = await sign(owner, "TransferWithAuthorization", auth);
    await send("transferWithAuthorization", [...sixArgs(auth), signature]);
    expect(await world.balanceOf(payee.address)).toBe(10_000n);
    // As in FiatTokenV2_2, the (v, r, s) overload takes them too.
    const second = authorization(wallet, payee.address, 10_000n);
    const [v, r, s] = vrs(await sign(owner, "TransferWithAuthorization", second));
    await send("transferWithAuthorization", [...sixArgs(second), v, r, s]);
    expect(await world.balanceOf(payee.address)).toBe(20_000n);
  });
});

test("a failing call leaves the rest of a Multicall3 batch alone", async () => {
  const payments = await Promise.all([payment(1n), payment(60_000n), payment(3n)]);
  const calls = await Promise.all(
    payments.map(async ({ payer, auth }) => {
      const args = [...sixArgs(auth), ...vrs(await sign(payer, "TransferWithAuthorization", auth))];
      const callData = encodeFunctionData({ abi, functionName: "transferWithAuthorization", args });
      return { target: world.token, allowFailure: true, callData };
    }),
  );
  const hash = await world.client.writeContract({
    address: MULTICALL3_ADDRESS,
    abi: multicall3Abi,
    functionName: "aggregate3",
    args: [calls],
    account: world.accounts.facilitator.account,
  });
  const receipt = await world.client.waitForTransactionReceipt({ hash });
  expect(receipt.status).toBe("success");
  expect(receipt.logs.length).toBe(4);
  const paid = await Promise.all(payments.map(({ payee }) => world.balanceOf(payee.address)));
  expect(paid).toEqual([1n, 0n, 3n]);
});
