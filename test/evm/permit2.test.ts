/** Permit2 by hand, compared with viem. */
import fc from "fast-check";
import { encodeFunctionData, hashTypedData } from "viem";
import { describe, expect, test } from "vitest";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { multicall3Abi } from "../../contracts-abi/multicall3.ts";
import { PERMIT2_ADDRESS, permit2Abi } from "../../contracts-abi/permit2.ts";
import {
  X402_EXACT_PERMIT2_PROXY_ADDRESS,
  x402ExactPermit2ProxyAbi,
} from "../../contracts-abi/x402-exact-permit2-proxy.ts";
import {
  X402_UPTO_PERMIT2_PROXY_ADDRESS,
  x402UptoPermit2ProxyAbi,
} from "../../contracts-abi/x402-upto-permit2-proxy.ts";
import { bytesToHex } from "../../src/core/hex.ts";
import type { Hex } from "../../src/core/scheme.ts";
import { parseAggregate } from "../../src/evm/aggregate-calls.ts";
import { permit2Approval } from "../../src/evm/index.ts";
import { exactPermit2Kind } from "../../src/evm/exact/permit2.ts";
import { permitDigest } from "../../src/evm/permit2/payload.ts";
import { uptoKind } from "../../src/evm/upto/kind.ts";
import { address, hexOf } from "./arbitraries.ts";
import { byKey, canonical, exact, exactData, payment, permitOf } from "./permit2-arbitraries.ts";

test("the digests are viem's hashTypedData", () => {
  const types = (witness: readonly { name: string; type: string }[]) => ({
    PermitWitnessTransferFrom: [
      { name: "permitted", type: "TokenPermissions" },
      { name: "spender", type: "address" },
      { name: "nonce", type: "uint256" },
      { name: "deadline", type: "uint256" },
      { name: "witness", type: "Witness" },
    ],
    TokenPermissions: [
      { name: "token", type: "address" },
      { name: "amount", type: "uint256" },
    ],
    Witness: witness,
  });
  const [to, facilitator, validAfter] = [
    { name: "to", type: "address" },
    { name: "facilitator", type: "address" },
    { name: "validAfter", type: "uint256" },
  ];
  fc.assert(
    fc.property(payment, (value) => {
      const domain = {
        name: "Permit2",
        chainId: value.chainId,
        verifyingContract: PERMIT2_ADDRESS,
      } as const;
      const primaryType = "PermitWitnessTransferFrom";
      const witness = { ...value, to: value.payTo };
      expect(bytesToHex(permitDigest(exactPermit2Kind, value))).toBe(
        hashTypedData({
          domain,
          primaryType,
          types: types([to, validAfter]),
          message: { ...permitOf(value), spender: X402_EXACT_PERMIT2_PROXY_ADDRESS, witness },
        }),
      );
      expect(bytesToHex(permitDigest(uptoKind, value))).toBe(
        hashTypedData({
          domain,
          primaryType,
          types: types([to, facilitator, validAfter]),
          message: { ...permitOf(value), spender: X402_UPTO_PERMIT2_PROXY_ADDRESS, witness },
        }),
      );
    }),
  );
});

describe("calldata", () => {
  test("of the settlements is viem's, with the signature in one form", () => {
    fc.assert(
      fc.property(payment, (value) => {
        const { payTo: to, facilitator, validAfter } = value;
        const { exact: ofExact, upto } = byKey(value);
        expect(ofExact.settlementCall(value)).toMatchObject({
          to: X402_EXACT_PERMIT2_PROXY_ADDRESS.toLowerCase(),
          data: exactData(value),
        });
        expect(upto.settlementCall(value)).toMatchObject({
          to: X402_UPTO_PERMIT2_PROXY_ADDRESS.toLowerCase(),
          data: encodeFunctionData({
            abi: x402UptoPermit2ProxyAbi,
            functionName: "settle",
            args: [
              permitOf(value),
              value.amount,
              value.payer,
              { to, facilitator, validAfter },
              canonical(value),
            ],
          }),
          sender: facilitator,
        });
        expect(ofExact.settlementCall(value)).toMatchObject({ gasLimit: 250_000n });
        expect(ofExact.settlementCall(value)).not.toHaveProperty("liable");
        expect(upto.settlementCall(value)).not.toHaveProperty("batchGas");
        expect(upto.simulation(value).from).toBe(facilitator);
      }),
    );
  });

  test("of a wallet's settlement is viem's, with its bytes as they are; alone, and at its own risk", () => {
    const bytes = fc.integer({ min: 0, max: 300 }).chain((length) => hexOf(length));
    fc.assert(
      fc.property(payment, bytes, (of, signature) => {
        const value = { ...of, signature };
        const { payTo: to, payer, validAfter } = value;
        const call = exact.settlementCall(value);
        expect(call).toEqual({
          to: X402_EXACT_PERMIT2_PROXY_ADDRESS.toLowerCase(),
          data: encodeFunctionData({
            abi: x402ExactPermit2ProxyAbi,
            functionName: "settle",
            args: [permitOf(value), payer, { to, validAfter }, signature],
          }),
          gasLimit: 400_000n,
          liable: { wallet: payer },
        });
      }),
    );
  });

  test("of the reads, and of the approval, is viem's", () => {
    fc.assert(
      fc.property(payment, (value) => {
        const { payer, nonce, asset } = value;
        expect(exact.used(value)).toEqual({
          to: PERMIT2_ADDRESS,
          data: encodeFunctionData({
            abi: permit2Abi,
            functionName: "nonceBitmap",
            args: [payer, nonce >> 8n],
          }),
          mask: 1n << (nonce & 255n),
        });
        expect(permit2Approval({ token: asset, amount: nonce })).toMatchObject({
          data: encodeFunctionData({
            abi: erc20Abi,
            functionName: "approve",
            args: [PERMIT2_ADDRESS, nonce],
          }),
        });
      }),
    );
    expect(() => permit2Approval({ token: "USDC" })).toThrow(TypeError);
    expect(() => permit2Approval({ token: `0x${"11".repeat(20)}`, amount: -1n })).toThrow(
      TypeError,
    );
  });

  test("of aggregate3 is read back, and anything else is not read", () => {
    const calls = fc.array(
      fc.record({
        target: address,
        allowFailure: fc.boolean(),
        callData: fc.integer({ min: 0, max: 99 }).chain((length) => hexOf(length)),
      }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(calls, fc.nat(), (list, cut) => {
        const data = encodeFunctionData({
          abi: multicall3Abi,
          functionName: "aggregate3",
          args: [list],
        });
        expect(parseAggregate(data)).toEqual(
          list.map(({ target, callData }) => ({ to: target, data: callData })),
        );
        parseAggregate(data.slice(0, cut % data.length) as Hex);
      }),
    );
    fc.assert(
      fc.property(hexOf(300), (bytes) => void parseAggregate(`0x82ad56cb${bytes.slice(2)}`)),
    );
    expect(parseAggregate("0x12345678")).toBeUndefined();
  });
});
