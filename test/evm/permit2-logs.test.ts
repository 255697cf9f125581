/** What a payment with Permit2 is known by on the chain: calls, and logs. */
import fc from "fast-check";
import { encodeAbiParameters, encodeEventTopics, encodeFunctionData } from "viem";
import { describe, expect, test } from "vitest";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { multicall3Abi, MULTICALL3_ADDRESS } from "../../contracts-abi/multicall3.ts";
import {
  X402_EXACT_PERMIT2_PROXY_ADDRESS,
  x402ExactPermit2ProxyAbi,
} from "../../contracts-abi/x402-exact-permit2-proxy.ts";
import type { Call, Hex, Log } from "../../src/core/scheme.ts";
import { parseAggregate } from "../../src/evm/aggregate-calls.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import type { UptoPayment } from "../../src/evm/upto/kind.ts";
import { wrapErc6492 } from "../../src/testing/index.ts";
import { exact, exactData, exactDataWithPermit, payment, toExact } from "./permit2-arbitraries.ts";

describe("whether a call used a payment", () => {
  const by = (value: UptoPayment) => exact.usage(value).by!;
  const together = (...list: Call[]): Call => ({
    to: MULTICALL3_ADDRESS,
    data: encodeFunctionData({
      abi: multicall3Abi,
      functionName: "aggregate3",
      args: [list.map(({ to, data }) => ({ target: to, allowFailure: true, callData: data }))],
    }),
  });

  test("made to the proxy with its terms, with any signature and any allowance", () => {
    fc.assert(
      fc.property(payment, payment, (value, other) => {
        const resigned = { ...value, signature: other.signature };
        expect(by(value)(toExact(exactData(resigned)))).toBe(true);
        expect(by(value)(toExact(exactDataWithPermit(resigned)))).toBe(true);
        for (const field of ["nonce", "permitted", "deadline", "validAfter"] as const) {
          const changed = { ...value, [field]: value[field] ^ 1n };
          expect(by(value)(toExact(exactData(changed)))).toBe(false);
        }
        for (const field of ["payer", "payTo", "asset"] as const) {
          const changed = { ...value, [field]: other[field] };
          if (other[field] !== value[field])
            expect(by(value)(toExact(exactData(changed)))).toBe(false);
        }
        expect(by(value)({ to: other.asset, data: exactData(value) })).toBe(false);
      }),
    );
  });

  test("made after a wallet, just as we would send it, and in no other way", () => {
    const [of, other] = fc.sample(payment, 2) as [UptoPayment, UptoPayment];
    const factory = other.asset;
    const wrap = (signature: Hex): Hex =>
      wrapErc6492({ factory, factoryCalldata: "0xab" }, signature);
    const value = { ...of, signature: wrap("0x12") };
    const scheme = exactEvmFacilitator({ erc6492Factories: [{ address: factory }] });
    const used = (call: Call) => scheme.usage(value).by!(call);
    const own = scheme.settlementCall(value);
    expect(own).toMatchObject({
      to: MULTICALL3_ADDRESS,
      contracts: [toExact("0x").to.toLowerCase()],
    });
    expect(used(own)).toBe(true);
    const resigned = { ...value, signature: wrap("0x13") };
    expect(used(scheme.settlementCall(resigned))).toBe(false);
    expect(used({ ...own, to: factory })).toBe(false);
    const settling = parseAggregate(own.data)!;
    expect(settling.length).toBe(2);
    expect(used(together(...settling))).toBe(false); // there the settlement may fail
  });

  test("together with others of the token and the proxy, none of the same payer", () => {
    const [value, another] = fc.sample(payment, 2) as [UptoPayment, UptoPayment];
    const mine = toExact(exactData(value));
    const others = { ...another, asset: value.asset };
    const twin = { ...value, nonce: value.nonce ^ 1n };
    expect(by(value)(together(toExact(exactData(others)), mine))).toBe(true);
    expect(by(value)(together(mine))).toBe(true);
    expect(by(value)(together(mine, toExact(exactData(twin))))).toBe(false);
    expect(by(value)(together(mine, mine))).toBe(false);
    expect(by(value)(together(mine, toExact(exactData(another))))).toBe(false);
    expect(by(value)(together(mine, { to: another.asset, data: "0x" }))).toBe(false);
    expect(by(value)(together(toExact(exactData(others))))).toBe(false);
    expect(by(value)(together())).toBe(false);
  });
});

describe("the outcome of a receipt", () => {
  const MISMATCH = "invalid_exact_evm_transfer_event_mismatch";
  const settled = (name: "Settled" | "SettledWithPermit"): Log => ({
    address: X402_EXACT_PERMIT2_PROXY_ADDRESS,
    topics: encodeEventTopics({ abi: x402ExactPermit2ProxyAbi, eventName: name }) as Hex[],
    data: "0x",
  });
  const transfer = ({ payer: from, payTo: to, amount, asset }: UptoPayment): Log => ({
    address: asset,
    topics: encodeEventTopics({
      abi: erc20Abi,
      eventName: "Transfer",
      args: { from, to },
    }) as Hex[],
    data: encodeAbiParameters([{ type: "uint256" }], [amount]),
  });
  const done = settled("Settled");

  test("is settled by the exact transfer and the proxy's word, alone and among others", () => {
    fc.assert(
      fc.property(payment, payment, (value, other) => {
        const mine = transfer(value);
        expect(exact.outcome(value, [mine, done])).toBe("settled");
        expect(exact.outcome(value, [mine, settled("SettledWithPermit")])).toBe("settled");
        if (other.payer === value.payer) return;
        expect(exact.outcome(value, [transfer(other), done, mine, done])).toBe("settled");
        expect(exact.outcome(value, [transfer(other), done])).toBe(MISMATCH);
      }),
    );
  });

  test("is a mismatch for anything else", () => {
    const [value, other] = fc.sample(
      payment.filter(({ amount }) => amount > 1n),
      2,
    ) as [UptoPayment, UptoPayment];
    const mine = transfer(value);
    const cases: Log[][] = [
      [],
      [mine],
      [done],
      [done, mine],
      [mine, mine, done],
      [mine, { ...done, address: other.asset }],
      [mine, transfer({ ...value, payTo: other.payTo, amount: 1n }), done],
      [transfer({ ...value, amount: value.amount - 1n }), done],
      [transfer({ ...value, payTo: other.payTo }), done],
      [transfer({ ...value, asset: other.asset }), done],
    ];
    for (const [index, logs] of cases.entries())
      expect(exact.outcome(value, logs), `case ${index}`).toBe(MISMATCH);
  });
});
