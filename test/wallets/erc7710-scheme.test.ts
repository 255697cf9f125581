import { encodeFunctionData, encodePacked, pad, toEventSelector, toHex, type Hex } from "viem";
import { expect, test } from "vitest";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { localDelegationManagerAbi } from "../../contracts-abi/local/local-delegation-manager.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { LOCAL_CONTRACTS, newAccount } from "../../src/testing/index.ts";
import { requestOf } from "./delegated.ts";
import { PRICE } from "./world.ts";

const manager = LOCAL_CONTRACTS.delegationManager;
const scheme = exactEvmFacilitator({ erc7710Managers: [manager] });
const [payTo, delegator] = [newAccount().address, newAccount().address];
const context: Hex = `0x${"c7".repeat(300)}`;
const { paymentPayload, paymentRequirements } = requestOf(context, delegator, payTo);
const checked = scheme.check(paymentPayload, paymentRequirements, 1);
if (!("payment" in checked)) throw new Error("the payment must pass the checks");
const of = checked.payment;

test("calldata is viem's", () => {
  const data = encodeFunctionData({
    abi: erc20Abi,
    functionName: "transfer",
    args: [payTo, PRICE],
  });
  const execution = encodePacked(["address", "uint256", "bytes"], [of.asset, 0n, data]);
  const expected = encodeFunctionData({
    abi: localDelegationManagerAbi,
    functionName: "redeemDelegations",
    args: [[context], [pad("0x", { size: 32 })], [execution]],
  });
  expect(scheme.settlementCall(of)).toMatchObject({ to: manager.toLowerCase(), data: expected });
});

test("the key is the one that the seller's side computes, and another for every context", () => {
  const keyOf = (permissionContext: Hex) =>
    exactEvm().paymentKey({ ...paymentPayload.payload, permissionContext }, paymentRequirements);
  expect(keyOf(context)).toBe(scheme.paymentKey(of));
  expect(keyOf(`0x${context.slice(2).toUpperCase()}`)).toBe(scheme.paymentKey(of));
  expect(keyOf(`${context}00`)).not.toBe(keyOf(context));
  expect(keyOf(`${context.slice(0, -2)}c8` as Hex)).not.toBe(keyOf(context));
});

test("a receipt is a success with exactly the transfer, and no other payment of the account", () => {
  const word = (hex: Hex) => pad(hex.toLowerCase() as Hex, { size: 32 });
  const [from, to, data] = [word(delegator), word(payTo), pad(toHex(PRICE), { size: 32 })];
  const topic = toEventSelector("Transfer(address,address,uint256)");
  const transfer = { address: of.asset, topics: [topic, from, to], data };
  const used = {
    address: of.asset,
    topics: [toEventSelector("AuthorizationUsed(address,bytes32)"), from, data],
    data: "0x",
  } as const;
  const mismatch = "invalid_exact_evm_transfer_event_mismatch";
  expect(scheme.outcome(of, [transfer])).toBe("settled");
  for (const logs of [
    [],
    [used, transfer],
    [transfer, transfer],
    [{ ...transfer, address: manager }],
    [{ ...transfer, data: pad("0x01", { size: 32 }) }],
    [{ ...transfer, topics: [topic, to, from] }],
  ])
    expect(scheme.outcome(of, logs)).toBe(mismatch);
});
