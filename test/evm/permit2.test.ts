/** Permit2 by hand, compared with viem and with the ABIs. */
import fc from "fast-check";
import {
  encodeAbiParameters,
  encodeEventTopics,
  encodeFunctionData,
  getAbiItem,
  hashTypedData,
  parseSignature,
  toFunctionSelector,
} from "viem";
import { describe, expect, test } from "vitest";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { multicall3Abi, MULTICALL3_ADDRESS } from "../../contracts-abi/multicall3.ts";
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
import type { Reason } from "../../src/core/reasons.ts";
import type { Call, ChainReader, Hex, Log } from "../../src/core/scheme.ts";
import { parseAggregate } from "../../src/evm/aggregate-calls.ts";
import { exactEvmFacilitator, uptoEvmFacilitator } from "../../src/evm/facilitator.ts";
import { exactEvmServer, permit2Approval, uptoEvmServer } from "../../src/evm/index.ts";
import { exactPermit2Kind } from "../../src/evm/exact/permit2.ts";
import { permitDigest } from "../../src/evm/permit2/payload.ts";
import { uptoKind, type UptoPayment } from "../../src/evm/upto/kind.ts";
import { address, hexOf, recased, requirements, uint256, word } from "./arbitraries.ts";

/** A decoded payment of anything at all; its signature is not the payer's. */
const payment: fc.Arbitrary<UptoPayment> = fc
  .record({
    chainId: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    asset: address,
    payer: address,
    payTo: address,
    facilitator: address,
    amount: uint256,
    permitted: uint256,
    nonce: uint256,
    deadline: uint256,
    validAfter: uint256,
    r: fc.bigInt({ min: 1n, max: 2n ** 255n }),
    s: fc.bigInt({ min: 1n, max: 2n ** 254n }),
    v: fc.constantFrom("00", "01", "1b", "1c"),
  })
  .map(({ r, s, v, ...rest }) => ({
    ...rest,
    method: "permit2" as const,
    network: `eip155:${rest.chainId}` as const,
    expiresAtSeconds: Number(rest.deadline),
    signature: `0x${word(r)}${word(s)}${v}` as Hex,
  }));

const permitOf = ({ asset, permitted, nonce, deadline }: UptoPayment) => ({
  permitted: { token: asset, amount: permitted },
  nonce,
  deadline,
});
const canonical = ({ signature }: UptoPayment): Hex => {
  const { yParity } = parseSignature(signature);
  return `${signature.slice(0, 130) as Hex}${(yParity + 27).toString(16)}`;
};
const exact = exactEvmFacilitator();
const upto = uptoEvmFacilitator();

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

const exactData = (value: UptoPayment): Hex =>
  encodeFunctionData({
    abi: x402ExactPermit2ProxyAbi,
    functionName: "settle",
    args: [
      permitOf(value),
      value.payer,
      { to: value.payTo, validAfter: value.validAfter },
      canonical(value),
    ],
  });
const exactDataWithPermit = (value: UptoPayment): Hex =>
  encodeFunctionData({
    abi: x402ExactPermit2ProxyAbi,
    functionName: "settleWithPermit",
    args: [
      { value: 1n, deadline: 2n, r: `0x${word(3n)}`, s: `0x${word(4n)}`, v: 27 },
      permitOf(value),
      value.payer,
      { to: value.payTo, validAfter: value.validAfter },
      canonical(value),
    ],
  });
const toExact = (data: Hex): Call => ({ to: X402_EXACT_PERMIT2_PROXY_ADDRESS, data });

describe("calldata", () => {
  test("of the settlements is viem's, with the signature in one form", () => {
    fc.assert(
      fc.property(payment, (value) => {
        const { payTo: to, facilitator, validAfter } = value;
        expect(exact.settlementCall(value)).toMatchObject({
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
        expect(upto.settlementCall(value)).not.toHaveProperty("batchGas");
        expect(upto.simulation(value).from).toBe(facilitator);
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

describe("diagnosis", () => {
  const [value] = fc.sample(
    payment.filter(({ amount }) => amount > 1n),
    1,
  ) as [UptoPayment];
  const uint = (number: bigint): Hex => `0x${word(number)}`;
  interface World {
    code?: Hex;
    proxy?: Hex;
    bitmap?: bigint;
    balance?: bigint;
    allowance?: bigint;
    revert?: Hex;
  }
  const chain = (state: World): ChainReader => ({
    code: () => Promise.resolve(state.code ?? "0x60"),
    call({ data }) {
      const selector = data.slice(0, 10);
      const answers: Record<string, Hex> = {
        [toFunctionSelector(getAbiItem({ abi: x402ExactPermit2ProxyAbi, name: "PERMIT2" }))]:
          state.proxy ?? uint(1n),
        [toFunctionSelector(getAbiItem({ abi: permit2Abi, name: "nonceBitmap" }))]: uint(
          state.bitmap ?? 0n,
        ),
        [toFunctionSelector(getAbiItem({ abi: erc20Abi, name: "balanceOf" }))]: uint(
          state.balance ?? value.amount,
        ),
        [toFunctionSelector(getAbiItem({ abi: erc20Abi, name: "allowance" }))]: uint(
          state.allowance ?? value.amount,
        ),
      };
      const answer = answers[selector];
      return Promise.resolve(
        answer === undefined
          ? { ok: false, data: state.revert ?? "0x" }
          : { ok: answer !== "0x", data: answer },
      );
    },
  });
  const allowance: World = { allowance: value.amount - 1n };
  const balance: World = { ...allowance, balance: value.amount - 1n };
  const bitmap: World = { ...balance, bitmap: 1n << (value.nonce & 255n) };
  const proxy: World = { ...bitmap, proxy: "0x" };
  const reverts = (abi: readonly { type: string; name?: string }[], name: string): World => ({
    revert: toFunctionSelector(
      abi.find((item) => item.type === "error" && item.name === name) as never,
    ),
  });
  const ofProxy = (name: string) => reverts(x402ExactPermit2ProxyAbi, name);
  const ofPermit2 = (name: string) => reverts(permit2Abi, name);

  test.each<[Reason, World]>([
    ["asset_not_deployed_contract", { ...proxy, code: "0x" }],
    ["permit2_proxy_not_deployed", proxy],
    ["permit2_invalid_nonce", bitmap],
    ["permit2_insufficient_balance", balance],
    ["permit2_allowance_required", allowance],
    ["permit2_invalid_amount", ofProxy("InvalidAmount")],
    ["permit2_invalid_destination", ofProxy("InvalidDestination")],
    ["permit2_invalid_owner", ofProxy("InvalidOwner")],
    ["permit2_payment_too_early", ofProxy("PaymentTooEarly")],
    ["permit2_2612_amount_mismatch", ofProxy("Permit2612AmountMismatch")],
    ["permit2_invalid_nonce", ofPermit2("InvalidNonce")],
    ["permit2_deadline_expired", ofPermit2("SignatureExpired")],
    ["invalid_permit2_signature", ofPermit2("InvalidSigner")],
    ["invalid_permit2_signature", ofPermit2("InvalidSignature")],
    ["invalid_permit2_signature", ofPermit2("InvalidContractSignature")],
    ["permit2_simulation_failed", { revert: "0x12345678" }],
    ["permit2_simulation_failed", {}],
  ])("%s", async (reason, state) => {
    expect(await exact.diagnose(value, chain(state))).toBe(reason);
    expect(await upto.diagnose(value, chain(state))).toBe(reason);
  });

  test("another bit of the same word is another nonce", async () => {
    const other = { bitmap: ~(1n << (value.nonce & 255n)) & (2n ** 256n - 1n) };
    expect(await exact.diagnose(value, chain(other))).toBe("permit2_simulation_failed");
  });
});

describe("the payment key", () => {
  const server = exactEvmServer();
  const keyOf = (payload: Record<string, unknown>) => server.paymentKey(payload, requirements);

  test("is the same for every way to write a payment, in both schemes and on both sides", () => {
    fc.assert(
      fc.property(
        address,
        uint256,
        fc.array(fc.boolean(), { minLength: 1 }),
        (from, nonce, upper) => {
          const key = `permit2:84532:${from}:${nonce}`;
          const digits = from.slice(2);
          const shout = `0x${digits.toUpperCase()}`;
          const mixed = recased(from, upper);
          for (const text of [from, shout]) {
            const payload = { permit2Authorization: { from: text, nonce: nonce.toString() } };
            expect(keyOf(payload)).toBe(key);
            expect(uptoEvmServer().paymentKey(payload, requirements)).toBe(key);
          }
          const some = keyOf({ permit2Authorization: { from: mixed, nonce: nonce.toString() } });
          expect([key, undefined]).toContain(some);
          const chainId = 84532;
          const value = { ...fc.sample(payment, 1)[0]!, payer: from, nonce, chainId };
          expect(exact.paymentKey(value)).toBe(key);
          expect(upto.paymentKey(value)).toBe(key);
        },
      ),
      { numRuns: 50 },
    );
  });

  test.each(["007", "0x7", "-7", "7.0", " 7", String(2n ** 256n), 7, null])(
    "of nonce %j there is none",
    (nonce) => {
      const from = `0x${"11".repeat(20)}`;
      expect(keyOf({ permit2Authorization: { from, nonce } })).toBeUndefined();
    },
  );

  test("of two methods at once there is none", () => {
    const permit2Authorization = { from: `0x${"11".repeat(20)}`, nonce: "7" };
    expect(keyOf({ permit2Authorization, authorization: {} })).toBeUndefined();
  });
});
