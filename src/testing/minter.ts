import { encodeFunctionData, parseEther, parseGwei, type Address, type Hex } from "viem";
import { localUsdcAbi } from "../../contracts-abi/local/local-usdc.ts";
import { namedAccount } from "./accounts.ts";
import type { LocalClient } from "./chain-control.ts";
import { LOCAL_TOKEN_ADDRESS } from "./local-contracts.ts";

export type Minter = {
  /** Gives the minter ether for gas; before the first mint. */
  prepare(): Promise<void>;
  /** Mints `amount` atomic units to `to`, and resolves when that is in a block. */
  mint(to: Address, amount: bigint): Promise<void>;
};

/**
 * Mints the local token from an account that nobody else uses. Concurrent mints queue for their
 * nonce only, which is read from the chain each time, so that snapshots and reorgs do no harm.
 */
export function createMinter(client: LocalClient): Minter {
  const { account } = namedAccount("minter");
  let queue: Promise<unknown> = Promise.resolve();

  const send = async (to: Address, amount: bigint): Promise<Hex> => {
    const nonce = await client.getTransactionCount({
      address: account.address,
      blockTag: "pending",
    });
    const serialized = await account.signTransaction({
      type: "eip1559",
      chainId: client.chain.id,
      to: LOCAL_TOKEN_ADDRESS,
      data: encodeFunctionData({ abi: localUsdcAbi, functionName: "mint", args: [to, amount] }),
      nonce,
      gas: 100_000n,
      maxFeePerGas: parseGwei("1000"),
      maxPriorityFeePerGas: parseGwei("1"),
    });
    return client.sendRawTransaction({ serializedTransaction: serialized });
  };

  return {
    prepare: () => client.setBalance({ address: account.address, value: parseEther("1000000") }),
    async mint(to, amount) {
      const sent = queue.then(() => send(to, amount));
      queue = sent.catch(() => {});
      const { status } = await client.waitForTransactionReceipt({ hash: await sent });
      if (status !== "success") throw new Error(`the mint of ${amount} to ${to} was reverted`);
    },
  };
}
