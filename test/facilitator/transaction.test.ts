import fc from "fast-check";
import { keccak256, parseTransaction, recoverTransactionAddress } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { expect, test } from "vitest";
import { signTransaction } from "../../facilitator/settlement/transaction.ts";

const account = privateKeyToAccount(generatePrivateKey());
const hex = (bytes: Uint8Array) => `0x${Buffer.from(bytes).toString("hex")}` as const;
const fields = fc.record({
  chainId: fc.integer({ min: 1, max: 2 ** 40 }),
  nonce: fc.nat(),
  to: fc.uint8Array({ minLength: 20, maxLength: 20 }).map(hex),
  data: fc.uint8Array({ maxLength: 300 }).map(hex),
  gas: fc.bigInt({ min: 0n, max: 2n ** 40n }),
  fees: fc.record({
    maxFeePerGas: fc.bigInt({ min: 2n ** 40n, max: 2n ** 64n }),
    maxPriorityFeePerGas: fc.bigInt({ min: 0n, max: 2n ** 40n }),
  }),
});

test("transactions are encoded, signed and hashed as viem does it", async () => {
  await fc.assert(
    fc.asyncProperty(fields, async (given) => {
      const { raw, hash } = await signTransaction(account, given);
      const { fees, ...rest } = given;
      expect(raw).toBe(await account.signTransaction({ type: "eip1559", ...rest, ...fees }));
      expect(hash).toBe(keccak256(raw));
    }),
    { numRuns: 60 },
  );
});

test("an account that only signs transactions is asked for that", async () => {
  const { sign: _, ...remote } = account;
  const given = { chainId: 8453, nonce: 7, to: account.address, data: "0x", gas: 21_000n } as const;
  const fees = { maxFeePerGas: 5n, maxPriorityFeePerGas: 1n };
  const { raw } = await signTransaction(remote, { ...given, fees });
  expect(parseTransaction(raw)).toMatchObject({ nonce: 7, gas: 21_000n });
  expect(await recoverTransactionAddress({ serializedTransaction: raw as `0x02${string}` })).toBe(
    account.address,
  );
});
