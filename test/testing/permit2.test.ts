import {
  decodeEventLog,
  domainSeparator,
  maxUint256,
  parseUnits,
  zeroAddress,
  type Abi,
  type Address,
  type Hex,
  type TransactionReceipt,
} from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { permit2Abi } from "../../contracts-abi/permit2.ts";
import { x402ExactPermit2ProxyAbi } from "../../contracts-abi/x402-exact-permit2-proxy.ts";
import { x402UptoPermit2ProxyAbi } from "../../contracts-abi/x402-upto-permit2-proxy.ts";
import { startLocalWorld, type LocalWorld, type TestAccount } from "../../src/testing/index.ts";
import {
  PERMIT2_DOMAIN,
  permit2Payment,
  signPermit2,
  signPermit2612,
  type Permit2Payment,
} from "./permit2-signing.ts";

const ONE = parseUnits("1", 18);
let world: LocalWorld;

beforeAll(async () => {
  world = await startLocalWorld();
});
afterAll(() => world?.stop());

/** A new payer with 5 tokens who allows Permit2 to take them (unless told otherwise), and a new payee. */
async function parties(token: Address, allow = true) {
  const [payer, payee] = [world.newAccount(), world.newAccount()];
  await Promise.all([
    world.fundToken(payer.address, 5n * ONE, token),
    world.fundEther(payer.address, ONE),
  ]);
  if (allow) {
    const hash = await world.client.writeContract({
      address: token,
      abi: erc20Abi,
      functionName: "approve",
      args: [world.contracts.permit2, maxUint256],
      account: payer.account,
    });
    await world.client.waitForTransactionReceipt({ hash });
  }
  return { payer, payee };
}

type Sending = {
  /** Signed by the owner unless given. */
  readonly signature?: Hex;
  readonly signer: TestAccount;
  /** Of upto; default all. */
  readonly amount?: bigint;
  readonly permit2612?: Awaited<ReturnType<typeof signPermit2612>>;
  readonly from?: TestAccount;
};

/** Simulates a settlement through the proxy, then sends it. Rejects with the contract's own error. */
async function settle(payment: Permit2Payment, sending: Sending): Promise<TransactionReceipt> {
  const { scheme, permit, owner, witness } = payment;
  const { signer, permit2612, from = world.accounts.facilitator } = sending;
  const signature = sending.signature ?? (await signPermit2(signer, payment));
  const amount = sending.amount ?? permit.permitted.amount;
  const exact = scheme === "exact";
  const { exactPermit2Proxy, uptoPermit2Proxy } = world.contracts;
  const rest = exact ? [owner, witness, signature] : [amount, owner, witness, signature];
  const call = {
    address: exact ? exactPermit2Proxy : uptoPermit2Proxy,
    // Its errors come through the proxy.
    abi: [...(exact ? x402ExactPermit2ProxyAbi : x402UptoPermit2ProxyAbi), ...permit2Abi] as Abi,
    functionName: permit2612 === undefined ? "settle" : "settleWithPermit",
    args: [...(permit2612 === undefined ? [] : [permit2612]), permit, ...rest],
    account: from.account,
  };
  await world.client.simulateContract(call);
  return world.client.waitForTransactionReceipt({ hash: await world.client.writeContract(call) });
}

/** Names of the proxies' own events in a receipt. */
const eventsOf = (receipt: TransactionReceipt) =>
  receipt.logs
    .filter(({ address }) => address.startsWith("0x4020"))
    .map((log) => decodeEventLog({ abi: x402ExactPermit2ProxyAbi, ...log }).eventName);

test("Permit2 has its domain at its address, and the proxies know it", async () => {
  const { permit2, exactPermit2Proxy, uptoPermit2Proxy } = world.contracts;
  const read = (address: Address, abi: Abi, functionName: string) =>
    world.client.readContract({ address, abi, functionName });
  const domain = domainSeparator({ domain: PERMIT2_DOMAIN });
  expect(await read(permit2, permit2Abi, "DOMAIN_SEPARATOR")).toBe(domain);
  expect(await read(exactPermit2Proxy, x402ExactPermit2ProxyAbi, "PERMIT2")).toBe(permit2);
  expect(await read(uptoPermit2Proxy, x402UptoPermit2ProxyAbi, "PERMIT2")).toBe(permit2);
  // As in the deployed code the domain is an immutable, not computed again for every call.
  const code = await world.client.getCode({ address: permit2 });
  expect(code).toContain(domain.slice(2));
});

describe.each(["plainToken", "permitToken", "usdc"] as const)("with %s", (name) => {
  const token = () => (name === "usdc" ? world.token : world.contracts[name]);

  test.each(["exact", "upto"] as const)("%s moves money once", async (scheme) => {
    const { payer, payee } = await parties(token());
    const { facilitator } = world.accounts;
    const parts = [token(), payer.address, payee.address, ONE, facilitator.address] as const;
    const payment = permit2Payment(scheme, ...parts);
    const receipt = await settle(payment, { signer: payer });
    expect(eventsOf(receipt)).toEqual(["Settled"]);
    expect(await world.transfersTo(payee.address, token())).toMatchObject([
      { from: payer.address, value: ONE, transactionHash: receipt.transactionHash },
    ]);
    expect(await world.balanceOf(payer.address, token())).toBe(4n * ONE);
    const { nonce } = payment.permit;
    const word = await world.client.readContract({
      address: world.contracts.permit2,
      abi: permit2Abi,
      functionName: "nonceBitmap",
      args: [payer.address, nonce >> 8n],
    });
    expect(word).toBe(1n << (nonce & 0xffn));
    await expect(settle(payment, { signer: payer })).rejects.toThrow(/InvalidNonce/);
    expect(await world.balanceOf(payee.address, token())).toBe(ONE);
  });
});

describe("the exact proxy", () => {
  test("may be sent by anybody, with a foreign signature or a changed witness by nobody", async () => {
    const { payer, payee } = await parties(world.contracts.plainToken);
    const stranger = world.newAccount();
    await world.fundEther(stranger.address, ONE);
    const parts = [world.contracts.plainToken, payer.address, payee.address, ONE] as const;
    const payment = permit2Payment("exact", ...parts);
    const signature = await signPermit2(payer, payment);
    const changes: Permit2Payment[] = [
      { ...payment, witness: { ...payment.witness, to: stranger.address } },
      { ...payment, witness: { ...payment.witness, validAfter: 1n } },
      { ...payment, permit: { ...payment.permit, nonce: 7n } },
      { ...payment, permit: { ...payment.permit, permitted: { token: parts[0], amount: 1n } } },
    ];
    for (const changed of changes) {
      await expect(settle(changed, { signer: payer, signature })).rejects.toThrow(/InvalidSigner/);
    }
    await expect(settle(payment, { signer: stranger })).rejects.toThrow(/InvalidSigner/);
    await settle(payment, { signer: payer, from: stranger });
    expect(await world.balanceOf(payee.address, parts[0])).toBe(ONE);
  });

  test("says what is wrong", async () => {
    const { payer, payee } = await parties(world.contracts.plainToken);
    const parts = [world.contracts.plainToken, payer.address, payee.address] as const;
    const payment = permit2Payment("exact", ...parts, ONE);
    const now = BigInt(await world.now());
    const attempt = (change: Partial<Permit2Payment>) =>
      settle({ ...payment, ...change }, { signer: payer });
    const { witness, permit } = payment;
    await expect(attempt({ witness: { ...witness, validAfter: now + 60n } })).rejects.toThrow(
      /PaymentTooEarly/,
    );
    await expect(attempt({ witness: { ...witness, to: zeroAddress } })).rejects.toThrow(
      /InvalidDestination/,
    );
    await expect(attempt({ owner: zeroAddress })).rejects.toThrow(/InvalidOwner/);
    await expect(attempt(permit2Payment("exact", ...parts, 0n))).rejects.toThrow(/InvalidAmount/);
    await expect(attempt({ permit: { ...permit, deadline: now - 1n } })).rejects.toThrow(
      /SignatureExpired/,
    );
    await expect(attempt(permit2Payment("exact", ...parts, 6n * ONE))).rejects.toThrow(
      /TRANSFER_FROM_FAILED/,
    );
    expect(await world.balanceOf(payee.address, parts[0])).toBe(0n);
  });
});

describe("the upto proxy", () => {
  test("takes a part, from the facilitator that was named only", async () => {
    const { payer, payee } = await parties(world.contracts.plainToken);
    const { facilitator, deployer } = world.accounts;
    const parts = [world.contracts.plainToken, payer.address, payee.address, ONE] as const;
    const payment = permit2Payment("upto", ...parts, facilitator.address);
    const attempt = (amount: bigint, from = facilitator) =>
      settle(payment, { signer: payer, amount, from });
    await expect(attempt(400n, deployer)).rejects.toThrow(/UnauthorizedFacilitator/);
    // Another facilitator that puts itself into the witness has no signature for that.
    const taken = { ...payment, witness: { ...payment.witness, facilitator: deployer.address } };
    const signature = await signPermit2(payer, payment);
    await expect(settle(taken, { signer: payer, signature, from: deployer })).rejects.toThrow(
      /InvalidSigner/,
    );
    await expect(attempt(ONE + 1n)).rejects.toThrow(/AmountExceedsPermitted/);
    await expect(attempt(0n)).rejects.toThrow(/InvalidAmount/);
    await attempt(400n);
    expect(await world.balanceOf(payee.address, parts[0])).toBe(400n);
    await expect(attempt(400n)).rejects.toThrow(/InvalidNonce/);
  });
});

describe.each(["exact", "upto"] as const)("settleWithPermit of %s", (scheme) => {
  async function unapproved() {
    const token = world.contracts.permitToken;
    const { payer, payee } = await parties(token, false);
    const { facilitator } = world.accounts;
    const parts = [token, payer.address, payee.address, ONE, facilitator.address] as const;
    return { token, payer, payee, payment: permit2Payment(scheme, ...parts) };
  }

  test("gives Permit2 its allowance first", async () => {
    const { token, payer, payee, payment } = await unapproved();
    await expect(settle(payment, { signer: payer })).rejects.toThrow(/TRANSFER_FROM_FAILED/);
    const permit2612 = await signPermit2612(payer, ONE);
    const receipt = await settle(payment, { signer: payer, permit2612 });
    expect(eventsOf(receipt)).toEqual(["SettledWithPermit"]);
    expect(await world.balanceOf(payee.address, token)).toBe(ONE);
  });

  test("wants a permit of exactly the permitted amount", async () => {
    const { payer, payment } = await unapproved();
    const permit2612 = await signPermit2612(payer, maxUint256);
    await expect(settle(payment, { signer: payer, permit2612 })).rejects.toThrow(
      /Permit2612AmountMismatch/,
    );
  });

  test("needs the allowance, not the permit", async () => {
    const { token, payer, payee, payment } = await unapproved();
    const used = await signPermit2612(payer, ONE, 9n);
    await expect(settle(payment, { signer: payer, permit2612: used })).rejects.toThrow(
      /TRANSFER_FROM_FAILED/,
    );
    const hash = await world.client.writeContract({
      address: token,
      abi: erc20Abi,
      functionName: "approve",
      args: [world.contracts.permit2, ONE],
      account: payer.account,
    });
    await world.client.waitForTransactionReceipt({ hash });
    const receipt = await settle(payment, { signer: payer, permit2612: used });
    expect(eventsOf(receipt)).toEqual(["EIP2612PermitFailedWithData", "SettledWithPermit"]);
    expect(await world.balanceOf(payee.address, token)).toBe(ONE);
  });
});
