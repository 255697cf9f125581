import { keccak256, toHex, type Address, type Hex } from "viem";
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from "viem/accounts";

/** A key of the local world. Worthless anywhere else: never send anything real to its address. */
export type TestAccount = {
  readonly address: Address;
  readonly privateKey: Hex;
  /** viem's local account of the key, for signing. */
  readonly account: PrivateKeyAccount;
};

/**
 * The same account for the same name, every time: its key is keccak256("farthing local <name>").
 * A test key that anybody can compute.
 */
export function namedAccount(name: string): TestAccount {
  return fromKey(keccak256(toHex(`farthing local ${name}`)));
}

/** A fresh account with a random key, and nothing on it. */
export function newAccount(): TestAccount {
  return fromKey(generatePrivateKey());
}

function fromKey(privateKey: Hex): TestAccount {
  const account = privateKeyToAccount(privateKey);
  return { address: account.address, privateKey, account };
}
