import fc from "fast-check";
import {
  encodeAbiParameters,
  encodeEventTopics,
  encodeFunctionData,
  parseSignature,
  toHex,
} from "viem";
import { describe, expect, test } from "vitest";
import { eip3009Abi } from "../../contracts-abi/eip3009.ts";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import type { Call, Hex, Log } from "../../src/core/scheme.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import type { Eip3009Payment } from "../../src/evm/exact/payload.ts";
import { payment, word } from "./arbitraries.ts";

const scheme = exactEvmFacilitator();

describe("calldata", () => {
  test("of the settlement and of its simulation is viem's, in the (v, r, s) overload", () => {
    fc.assert(
      fc.property(payment, (value) => {
        const { r, s, yParity } = parseSignature(value.signature);
        const expected = encodeFunctionData({
          abi: eip3009Abi,
          functionName: "transferWithAuthorization",
          args: [
            ...([
              value.payer,
              value.payTo,
              value.amount,
              value.validAfter,
              value.validBefore,
              value.nonce,
            ] as const),
            ...([yParity + 27, r, s] as const),
          ],
        });
        expect(scheme.settlementCall(value)).toMatchObject({ to: value.asset, data: expected });
        expect(scheme.simulation(value)).toEqual({ to: value.asset, data: expected });
      }),
    );
  });

  test("of the reads that diagnose a failure is viem's", async () => {
    const [value] = fc.sample(payment, 1);
    const calls: Call[] = [];
    await scheme.diagnose(value!, {
      code: () => Promise.resolve("0x60"),
      call(call) {
        calls.push(call);
        return Promise.resolve({ ok: false, data: "0x" });
      },
    });
    const args = [value!.payer, value!.nonce] as const;
    expect(calls).toEqual(
      [
        encodeFunctionData({ abi: eip3009Abi, functionName: "authorizationState", args }),
        encodeFunctionData({ abi: erc20Abi, functionName: "balanceOf", args: [value!.payer] }),
        encodeFunctionData({ abi: eip3009Abi, functionName: "name" }),
        encodeFunctionData({ abi: eip3009Abi, functionName: "version" }),
      ].map((data) => ({ to: value!.asset, data })),
    );
  });
});

describe("the outcome of a receipt", () => {
  const transfer = ({ payer: from, payTo: to, amount, asset }: Eip3009Payment): Log => ({
    address: asset,
    topics: encodeEventTopics({
      abi: erc20Abi,
      eventName: "Transfer",
      args: { from, to },
    }) as Hex[],
    data: encodeAbiParameters([{ type: "uint256" }], [amount]),
  });
  const used = ({ payer: authorizer, nonce, asset }: Eip3009Payment): Log => ({
    address: asset,
    topics: encodeEventTopics({
      abi: eip3009Abi,
      eventName: "AuthorizationUsed",
      args: { authorizer, nonce },
    }) as Hex[],
    data: "0x",
  });
  const MISMATCH = "invalid_exact_evm_transfer_event_mismatch";

  test("is settled when the token logs the nonce and then the exact transfer, once each", () => {
    fc.assert(
      fc.property(payment, (value) => {
        expect(scheme.outcome(value, [used(value), transfer(value)])).toBe("settled");
        expect(scheme.outcome(value, [transfer(value), used(value)])).toBe(MISMATCH);
      }),
    );
  });

  test("is told from its own logs in a transaction of many payments, also of twins", () => {
    fc.assert(
      fc.property(payment, payment, (value, other) => {
        const twin = { ...value, nonce: other.nonce };
        const logs = [other, value, twin].flatMap((each) => [used(each), transfer(each)]);
        if (other.nonce !== value.nonce) expect(scheme.outcome(value, logs)).toBe("settled");
      }),
    );
  });

  test("of one that moved nothing is not told from the transfer of another", () => {
    const [value] = fc.sample(payment, 1);
    const twin = { ...value!, nonce: `0x${word(7n)}` as const };
    const logs = [used(twin), transfer(twin), used(value!)];
    expect(scheme.outcome(value!, logs)).toBe(MISMATCH);
    expect(scheme.outcome(value!, [used(value!), used(twin), transfer(twin)])).toBe(MISMATCH);
  });

  test("is a mismatch when anything is missing, doubled, or of another contract, party, amount or nonce", () => {
    const [value] = fc.sample(
      payment.filter(({ amount }) => amount > 1n),
      1,
    );
    const stranger = toHex(7n, { size: 20 });
    const wrong = (change: Partial<Eip3009Payment>): Eip3009Payment => ({ ...value!, ...change });
    const good = { transfer: transfer(value!), used: used(value!) };
    const logs: Log[][] = [
      [],
      [good.transfer],
      [good.used],
      [good.used, good.transfer, good.transfer],
      [good.used, good.transfer, good.used],
      [good.used, transfer(wrong({ asset: stranger }))],
      [used(wrong({ asset: stranger })), good.transfer],
      [good.used, transfer(wrong({ payer: stranger }))],
      [good.used, transfer(wrong({ payTo: stranger }))],
      [good.used, transfer(wrong({ amount: value!.amount - 1n }))],
      [used(wrong({ nonce: `0x${word(1n)}` })), good.transfer],
      [used(wrong({ payer: stranger })), good.transfer],
      [good.used, { ...good.transfer, topics: good.transfer.topics.slice(1) }],
      [good.used, { ...good.transfer, data: "0x" }],
    ];
    for (const [i, list] of logs.entries())
      expect(scheme.outcome(value!, list), `case ${i}`).toBe(MISMATCH);
  });
});

test("the gas of a settlement is bounded", () => {
  const [value] = fc.sample(payment, 1);
  expect(scheme.settlementCall(value!).gasLimit).toBeLessThanOrEqual(200_000n);
});
