/** Why a payment with Permit2 is refused by the chain; and its identity. */
import fc from "fast-check";
import { getAbiItem, toFunctionSelector } from "viem";
import { describe, expect, test } from "vitest";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { permit2Abi } from "../../contracts-abi/permit2.ts";
import { x402ExactPermit2ProxyAbi } from "../../contracts-abi/x402-exact-permit2-proxy.ts";
import type { Reason } from "../../src/core/reasons.ts";
import type { ChainReader, Hex } from "../../src/core/scheme.ts";
import { exactEvmServer, uptoEvmServer } from "../../src/evm/index.ts";
import type { UptoPayment } from "../../src/evm/upto/kind.ts";
import { address, recased, requirements, uint256, word } from "./arbitraries.ts";
import { exact, payment, upto } from "./permit2-arbitraries.ts";

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
