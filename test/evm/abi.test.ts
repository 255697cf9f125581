import fc from "fast-check";
import {
  encodeAbiParameters,
  encodeEventTopics,
  encodeFunctionData,
  parseSignature,
  serializeCompactSignature,
  signatureToCompactSignature,
  toHex,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { describe, expect, test } from "vitest";
import { eip3009Abi } from "../../contracts-abi/eip3009.ts";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import type { Hex, Log, ReadCall } from "../../src/core/scheme.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { authorizationDigest, type Eip3009Payment } from "../../src/evm/exact/payload.ts";
import { hexOf, payment, word } from "./arbitraries.ts";

const scheme = exactEvmFacilitator();

const argsOf = (value: Eip3009Payment) =>
  [
    value.payer,
    value.payTo,
    value.amount,
    value.validAfter,
    value.validBefore,
    value.nonce,
  ] as const;

/** Calldata with a signature of a key, as its `v, r, s`. */
function inParts(value: Eip3009Payment, signature: Hex): Hex {
  const { r, s, yParity } = parseSignature(signature);
  return encodeFunctionData({
    abi: eip3009Abi,
    functionName: "transferWithAuthorization",
    args: [...argsOf(value), yParity + 27, r, s],
  });
}

/** Calldata with a signature as it is. */
const inBytes = (value: Eip3009Payment): Hex =>
  encodeFunctionData({
    abi: eip3009Abi,
    functionName: "transferWithAuthorization",
    args: [...argsOf(value), value.signature],
  });

function expectCall(value: Eip3009Payment, data: Hex): void {
  expect(scheme.settlementCall(value)).toMatchObject({ to: value.asset, data });
  expect(scheme.simulation(value)).toEqual({ to: value.asset, data });
}

describe("calldata", () => {
  test("of a key's signature in any form is viem's, in the (v, r, s) overload", async () => {
    const key = privateKeyToAccount(`0x${"42".repeat(32)}`);
    const forms = fc.constantFrom("27/28", "0/1", "compact");
    await fc.assert(
      fc.asyncProperty(payment, forms, async (any, form) => {
        const unsigned = { ...any, payer: key.address.toLowerCase() as Hex };
        const full = await key.sign({ hash: toHex(authorizationDigest(unsigned)) });
        const parts = parseSignature(full);
        const signature = {
          "27/28": full,
          "0/1": `${full.slice(0, 130)}0${parts.yParity}` as Hex,
          compact: serializeCompactSignature(signatureToCompactSignature(parts)),
        }[form];
        expectCall({ ...unsigned, signature }, inParts(unsigned, full));
      }),
      { numRuns: 30 },
    );
  });

  test("of a wallet's 65 bytes is the (v, r, s) overload only if a token makes the same bytes of it", () => {
    fc.assert(
      fc.property(payment, (value) => {
        const same = /1[bc]$/.test(value.signature);
        expectCall(value, same ? inParts(value, value.signature) : inBytes(value));
      }),
      { numRuns: 30 },
    );
  });

  test("of all else that a wallet understands is viem's, in the bytes overload", () => {
    const lengths = fc.integer({ min: 0, max: 300 }).filter((length) => length !== 65);
    fc.assert(
      fc.property(payment, lengths.chain(hexOf), (any, signature) => {
        const value = { ...any, signature };
        expectCall(value, inBytes(value));
      }),
      { numRuns: 30 },
    );
  });

  test("of the reads that diagnose a failure is viem's", async () => {
    const [value] = fc.sample(payment, 1);
    const calls: ReadCall[] = [];
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
  const byKey = exactEvmFacilitator({ recover: () => value!.payer });
  expect(byKey.settlementCall(value!).gasLimit).toBeLessThanOrEqual(200_000n);
  expect(scheme.settlementCall(value!)).toMatchObject({
    gasLimit: 300_000n,
    liable: { wallet: value!.payer },
  });
  const wallet = exactEvmFacilitator({ walletGas: 1n });
  expect(wallet.settlementCall(value!).gasLimit).toBe(150_001n);
  expect(wallet.settlementCall(value!).batchGas).toBeUndefined();
});
