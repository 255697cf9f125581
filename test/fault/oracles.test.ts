/** The oracles themselves: what they must not let pass. */
import { encodeAbiParameters, erc20Abi, keccak256, numberToHex, pad, parseEther } from "viem";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startEngine, type Engine } from "./engine.ts";
import { violations } from "./oracles.ts";
import { newPayment, startLocalWorld, type LocalWorld, type Payment } from "./world.ts";

let world: LocalWorld;
let engine: Engine;
let payment: Payment;

beforeEach(async () => {
  world = await startLocalWorld();
  engine = await startEngine(world);
  payment = await newPayment(world, "order");
  const body = await engine.pay(payment);
  payment.answers.push({ status: 200, body, text: JSON.stringify(body) });
});
afterEach(async () => {
  await engine.close(0);
  await world.stop();
});

const found = () => {
  const signers = engine.signers.map(({ address }) => address);
  return violations({ world, payments: [payment], signers, logs: [], secrets: [] });
};

test("a payment that was made once and told of is no violation", async () => {
  expect(await found()).toEqual([]);
});

test("a second transfer to the payee is O2", async () => {
  const { payer } = world.accounts;
  await world.fundEther(payer.address, parseEther("1"));
  const hash = await world.client.writeContract({
    account: payer.account,
    address: world.token,
    abi: erc20Abi,
    functionName: "transfer",
    args: [payment.payTo, payment.amount],
  });
  await world.client.waitForTransactionReceipt({ hash });
  expect(await found()).toContainEqual(expect.stringContaining("O2: 2 transfers"));
});

test.each([
  ["a payer who lost more than the transfers say", (): string => world.accounts.payer.address],
  ["a payee who got more than the transfers say", (): string => payment.payTo],
])("%s is O2, whatever the logs say", async (_, who) => {
  const owner = who() as `0x${string}`;
  const balance = await world.balanceOf(owner);
  // OpenZeppelin's ERC20 has the balances in its first slot.
  const index = keccak256(
    encodeAbiParameters([{ type: "address" }, { type: "uint256" }], [owner, 0n]),
  );
  const changed = owner === payment.payTo ? balance * 2n : balance - payment.amount;
  await world.client.setStorageAt({
    address: world.token,
    index,
    value: pad(numberToHex(changed)),
  });
  await world.mine();
  expect(await world.balanceOf(owner)).toBe(changed);
  const lines = await found();
  expect(lines).toEqual([expect.stringContaining(`O2: ${owner.toLowerCase()} has ${changed}`)]);
});

test("a payment that is not on the chain is stuck, and its success a lie", async () => {
  await world.setAutomine(false);
  await engine.close(0);
  await world.reorg(1);
  const lines = await found();
  expect(lines).toEqual([
    expect.stringContaining("O1: 1 deliveries"),
    expect.stringContaining("stuck: never paid"),
    expect.stringContaining("O1: success names another transaction"),
  ]);
});
