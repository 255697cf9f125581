import { encodeFunctionData, hexToBytes, serializeErc6492Signature } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { beforeEach, describe, expect, test } from "vitest";
import { multicall3Abi, MULTICALL3_ADDRESS } from "../../contracts-abi/multicall3.ts";
import type { ChainReader, Hex, ReadCall } from "../../src/core/scheme.ts";
import { deployAndCall } from "../../src/evm/deploy-and-call.ts";
import { walletSignatures } from "../../src/evm/wallet-signature.ts";
import { word } from "./arbitraries.ts";

const key = privateKeyToAccount(`0x${"42".repeat(32)}`);
const payer = key.address.toLowerCase() as Hex;
const wallet: Hex = `0x${"a1".repeat(20)}`;
const factory: Hex = `0x${"fa".repeat(20)}`;
const digest = hexToBytes(`0x${"07".repeat(32)}`);
const YES = 0x1626ba7en << 224n;
const call = { to: `0x${"05".repeat(20)}`, data: "0x1234" } as const;
const limits = { gasLimit: 100n, batchGas: 60n };
const wrap = (signature: Hex): Hex =>
  serializeErc6492Signature({ address: factory, data: "0xabcdef0123", signature });

let asked: ReadCall[];
/** A chain on which the program for a wallet answers so: code size before, success, size, first word. */
const chain = (...answer: readonly bigint[]): ChainReader => ({
  code: () => Promise.reject(new Error("not asked for")),
  call(read) {
    asked.push(read);
    return Promise.resolve({ ok: answer.length > 0, data: `0x${answer.map(word).join("")}` });
  },
});
beforeEach(() => {
  asked = [];
});

const lists = {
  strict: walletSignatures({ walletGas: 20n, factoryGas: 30n }),
  lenient: walletSignatures({
    walletGas: 20n,
    factoryGas: 30n,
    erc6492Factories: [{ address: factory, selectors: ["0xABCDEF01"] }],
  }),
};

describe("by a key", () => {
  test("the chain is not asked, and the payment may share a transaction", async () => {
    const payment = { payer, signature: await key.sign({ hash: `0x${"07".repeat(32)}` }) };
    expect(await lists.strict.verify(payment, digest, chain())).toBeUndefined();
    expect(asked).toEqual([]);
    for (const each of [payment, { ...payment }]) {
      const form = lists.strict.form(each, () => digest);
      expect(form.by).toBe("key");
      expect(lists.strict.settlement(each, form, call, limits)).toEqual({ ...call, ...limits });
    }
  });
});

describe("by a wallet", () => {
  const payment = (signature: Hex = "0x1234") => ({ payer: wallet, signature });

  test.each([
    ["a yes", [1n, 1n, 32n, YES], undefined],
    ["a yes with more behind it", [1n, 1n, 64n, YES], "invalid"],
    ["a yes in the lowest bytes", [1n, 1n, 32n, 0x1626ba7en], "invalid"],
    ["a yes with a stain", [1n, 1n, 32n, YES + 1n], "invalid"],
    ["a yes that reverts", [1n, 0n, 32n, YES], "invalid"],
    ["nothing, without code", [0n, 1n, 0n, 0n], "invalid"],
    ["an answer of another form", [1n], "invalid"],
    ["a revert of all", [], "invalid"],
  ] as const)("%s", async (_, answer, problem) => {
    expect(await lists.strict.verify(payment(), digest, chain(...answer))).toBe(problem);
    expect(asked.length).toBe(1);
    expect(asked[0]).toMatchObject({ untrusted: true });
    expect(asked[0]).not.toHaveProperty("to");
    expect(asked[0]!.gas).toBeLessThan(1_000_000n);
  });

  test("goes alone, and answers for its gas", async () => {
    const own = payment();
    await lists.strict.verify(own, digest, chain(1n, 1n, 32n, YES));
    for (const each of [own, { ...own }]) {
      const form = lists.strict.form(each, () => digest);
      expect(lists.strict.settlement(each, form, call, limits)).toEqual({
        ...call,
        gasLimit: 120n,
        liable: { wallet },
      });
    }
  });

  test("wrapped: unwrapped when it is there, made when its factory is allowed, else refused", async () => {
    const [there, missing] = [chain(1n, 1n, 32n, YES), chain(0n, 1n, 32n, YES)];
    const inner = { by: "wallet", signature: "0x1234" };
    const made = { by: "new wallet", signature: "0x1234" };
    for (const [name, at, problem, form] of [
      ["strict", there, undefined, inner],
      ["strict", missing, "factory not allowed", undefined],
      ["lenient", there, undefined, inner],
      ["lenient", missing, undefined, made],
    ] as const) {
      const own = payment(wrap("0x1234"));
      expect(await lists[name].verify(own, digest, at)).toBe(problem);
      if (form) expect(lists[name].form(own, () => digest)).toMatchObject(form);
    }
    // After a restart nobody knows whether it is there: the factory is called if it may be, which does no harm.
    expect(lists.strict.form(payment(wrap("0x1234")), () => digest)).toMatchObject(inner);
    const own = payment(wrap("0x1234"));
    const form = lists.lenient.form(own, () => digest);
    expect(lists.lenient.settlement(own, form, call, limits)).toEqual({
      ...deployAndCall({ to: factory, data: "0xabcdef0123" }, call),
      contracts: [call.to],
      gasLimit: 40_150n,
      liable: { wallet, shared: factory },
    });
  });
});

test("the call that makes a wallet first is viem's", () => {
  const [target, data] = [factory, `0x${"ab".repeat(45)}`] as const;
  const expected = encodeFunctionData({
    abi: multicall3Abi,
    functionName: "aggregate3",
    args: [
      [
        { target, allowFailure: true, callData: data },
        { target: call.to, allowFailure: false, callData: call.data },
      ],
    ],
  });
  expect(deployAndCall({ to: target, data }, call)).toEqual({
    to: MULTICALL3_ADDRESS,
    data: expected,
  });
});

test.each([
  { erc6492Factories: [{ address: "0x12" }] },
  { erc6492Factories: [{ address: factory, selectors: ["0x12"] }] },
  { walletGas: 0n },
  { factoryGas: 40_000_000n },
])("%o is a TypeError", (options) => {
  expect(() => walletSignatures(options)).toThrow(TypeError);
});
