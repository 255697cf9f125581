/** The decoding of approvals that come from anybody. */
import fc from "fast-check";
import { keccak256, maxUint256, parseTransaction, type Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { expect, test } from "vitest";
import { readApproval } from "../../src/evm/permit2/approval-transaction.ts";
import { decodeList, uintOf } from "../../src/evm/permit2/rlp.ts";
import { permit2Approval } from "../../src/evm/index.ts";
import { recoverAddress } from "../../src/evm/signature.ts";
import { hexToBytes, bytesToHex } from "../../src/core/hex.ts";
import { PLAIN, plainRequirements } from "../setup/permit2.ts";

const account = privateKeyToAccount(keccak256("0x01"));
const payer = account.address.toLowerCase() as Hex;
const asset = PLAIN.address.toLowerCase() as Hex;
const parties = { payer, asset, permitted: 10_000n, chainId: 84532 };

function read(signedTransaction: Hex) {
  const info = {
    from: account.address,
    asset: PLAIN.address,
    spender: "0x000000000022D473030F116dDEE9F6B43aC78BA3",
    amount: maxUint256.toString(),
    signedTransaction,
    version: "1",
  };
  const extensions = { erc20ApprovalGasSponsoring: { info } };
  const accepted = plainRequirements(account.address);
  return readApproval({ x402Version: 2, accepted, payload: {}, extensions }, parties);
}

const sign = (nonce: number, gas: bigint, maxFeePerGas: bigint, maxPriorityFeePerGas: bigint) =>
  account.signTransaction({
    type: "eip1559",
    chainId: 84532,
    ...permit2Approval({ token: PLAIN.address }),
    nonce,
    gas,
    maxFeePerGas,
    maxPriorityFeePerGas,
  });

const numbers = [
  fc.nat(),
  fc.bigInt({ min: 21_000n, max: 150_000n }),
  fc.bigInt({ min: 1n << 40n, max: 1n << 60n }),
  fc.bigInt({ min: 0n, max: 1n << 40n }),
] as const;

test("what viem signs is read as viem reads it, and its signer recovered", async () => {
  await fc.assert(
    fc.asyncProperty(...numbers, async (...values) => {
      const raw = await sign(...values);
      const { approval, reason } = read(raw);
      const { nonce = 0, gas, maxFeePerGas, data } = parseTransaction(raw);
      expect(reason).toBeUndefined();
      expect(approval).toMatchObject({ raw, nonce, gas, maxFeePerGas, data, hash: keccak256(raw) });
      expect(recoverAddress(approval!.digest, approval!.signature!)).toBe(payer);
    }),
    { numRuns: 50 },
  );
});

test("other bytes never throw, and never pass for the payer's transaction", async () => {
  const raw = hexToBytes(await sign(3, 60_000n, 1n << 41n, 7n));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(raw.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
      fc.nat(raw.length),
      fc.boolean(),
      (changes, length, cut) => {
        const bytes = Uint8Array.from(raw);
        for (const [at, value] of changes) bytes[at] = value;
        const changed = bytesToHex(cut ? bytes.subarray(0, length) : bytes);
        fc.pre(changed !== bytesToHex(raw));
        const { approval } = read(changed);
        const { digest, signature } = approval ?? {};
        if (digest && signature) expect(recoverAddress(digest, signature)).not.toBe(payer);
      },
    ),
    { numRuns: 2000 },
  );
});

test.each([
  ["0x", undefined],
  ["0x80", undefined],
  ["0xc1", undefined],
  ["0xc28000", 2],
  ["0xc28101", undefined],
  ["0xc3b80100", undefined],
  ["0xc0c0", undefined],
  ["0xf800", undefined],
  ["0xf90000", undefined],
  ["0xc4c3010203", 1],
])("of the list %s there are %s items", (list, count) => {
  expect(decodeList(hexToBytes(list as Hex))?.length).toBe(count);
});

test("numbers have no leading zeros, and fit 32 bytes", () => {
  const item = (bytes: number[]) => ({ from: 0, size: 1, payload: Uint8Array.from(bytes) });
  expect(uintOf(item([]))).toBe(0n);
  expect(uintOf(item([1, 0]))).toBe(256n);
  expect(uintOf(item([0]))).toBeUndefined();
  expect(uintOf(item(Array.from({ length: 33 }, () => 1)))).toBeUndefined();
  expect(uintOf(undefined)).toBeUndefined();
});
