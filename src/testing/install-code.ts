import {
  encodeDeployData,
  type Abi,
  type Address,
  type ContractConstructorArgs,
  type Hex,
} from "viem";
import type { LocalClient } from "./chain-control.ts";

/** A compiled contract and what its constructor gets. */
export type Contract<abi extends Abi> = {
  readonly abi: abi;
  readonly bytecode: Hex;
  readonly args?: ContractConstructorArgs<abi>;
};

/**
 * Puts a contract at `address` of a local chain. The constructor runs there (in an `eth_call` whose
 * code is the creation code), so that immutables which follow from the address are right; what it
 * writes to storage is lost. With `constructedAt` it runs somewhere else.
 */
export async function installCode<const abi extends Abi>(
  client: LocalClient,
  address: Address,
  contract: Contract<abi>,
  constructedAt: Address = address,
): Promise<void> {
  const code = encodeDeployData(contract as never);
  const stateOverride = [{ address: constructedAt, code }];
  const { data: bytecode } = await client.call({ to: constructedAt, stateOverride });
  if (bytecode === undefined) throw new Error(`no runtime code for the contract at ${address}`);
  await client.setCode({ address, bytecode });
}
