import { encodeAbiParameters, getAbiItem, toFunctionSelector } from "viem";
import { expect, test } from "vitest";
import { eip3009Abi } from "../../contracts-abi/eip3009.ts";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import type { ChainReader, Hex } from "../../src/core/scheme.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { NOW, paying, requirements } from "./arbitraries.ts";

const scheme = exactEvmFacilitator();
const checked = scheme.check(paying(), requirements, NOW);
if (!("payment" in checked)) throw new Error("the example must pass the checks");

const text = (value: string): Hex => encodeAbiParameters([{ type: "string" }], [value]);
const uint = (value: bigint): Hex => encodeAbiParameters([{ type: "uint256" }], [value]);

interface Token {
  code?: Hex;
  used?: Hex;
  balance?: Hex;
  name?: Hex;
  version?: Hex;
}

/** A chain with a token that answers its reads so; `0x` is a revert. */
function chain(token: Token): ChainReader {
  const answers: Record<Hex, Hex> = {
    [toFunctionSelector(getAbiItem({ abi: eip3009Abi, name: "authorizationState" }))]:
      token.used ?? uint(0n),
    [toFunctionSelector(getAbiItem({ abi: erc20Abi, name: "balanceOf" }))]:
      token.balance ?? uint(10_000n),
    [toFunctionSelector(getAbiItem({ abi: eip3009Abi, name: "name" }))]: token.name ?? text("USDC"),
    [toFunctionSelector(getAbiItem({ abi: eip3009Abi, name: "version" }))]:
      token.version ?? text("2"),
  };
  return {
    code: () => Promise.resolve(token.code ?? "0x60"),
    call({ data }) {
      const answer = answers[data.slice(0, 10) as Hex] ?? "0x";
      return Promise.resolve({ ok: answer !== "0x", data: answer });
    },
  };
}

/** Why a simulation failed, in order of precedence (wire.md): each also has the faults of all that follow. */
const last: Token = { balance: uint(9_999n) };
const version: Token = { ...last, version: text("1") };
const name: Token = { ...version, name: text("USD Coin") };
const used: Token = { ...name, used: uint(1n) };
const notSupported: Token = { ...name, used: "0x" };
const noCode: Token = { ...notSupported, code: "0x" };

test.each([
  ["asset_not_deployed_contract", noCode],
  ["invalid_exact_evm_eip3009_not_supported", notSupported],
  ["invalid_exact_evm_nonce_already_used", used],
  ["invalid_exact_evm_token_name_mismatch", name],
  ["invalid_exact_evm_token_version_mismatch", version],
  ["invalid_exact_evm_insufficient_balance", last],
  ["invalid_exact_evm_transaction_simulation_failed", {}],
])("a failed simulation is told as %s", async (reason, token) => {
  expect(await scheme.diagnose(checked.payment, chain(token))).toBe(reason);
});

test.each([
  ["a name that is not ABI", { name: `0x${"ff".repeat(96)}` as const }],
  ["a name of an absurd length", { name: `0x${"00".repeat(31)}20${"ff".repeat(32)}` as const }],
  ["no version function", { version: "0x" as const }],
  ["no balance function", { balance: "0x" as const }],
])("%s does not make it throw", async (_, token) => {
  expect(await scheme.diagnose(checked.payment, chain(token))).toMatch(/^invalid_exact_evm_/);
});

test("an unreachable node is not a reason", async () => {
  const down: ChainReader = { ...chain({}), code: () => Promise.reject(new Error("down")) };
  await expect(scheme.diagnose(checked.payment, down)).rejects.toThrow("down");
});
