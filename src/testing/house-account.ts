import { encodeFunctionData, parseEther, parseGwei, type Address, type Hex } from "viem";
import { localUsdcAbi } from "../../contracts-abi/local/local-usdc.ts";
import { namedAccount } from "./accounts.ts";
import type { LocalClient } from "./chain-control.ts";

/** Of an account, that it wants to run the code at `address`: an EIP-7702 authorization. */
type Authorization = {
  readonly address: Address;
  readonly chainId: number;
  readonly nonce: number;
  readonly r: Hex;
  readonly s: Hex;
  readonly yParity?: number | undefined;
};

export type HouseCall = {
  readonly to: Address;
  readonly data?: Hex;
  /** Default 100,000. */
  readonly gas?: bigint;
  readonly authorizationList?: readonly Authorization[];
};

export type HouseAccount = {
  /** Gives the account ether for gas; before the first call. */
  prepare(): Promise<void>;
  /**
   * Sends a call, and resolves when it is in a block.
   *
   * @throws Error, beginning with `what`, when it was reverted.
   */
  send(what: string, call: HouseCall): Promise<void>;
  /** Mints `amount` atomic units of `token` to `to`, and resolves when that is in a block. */
  mint(token: Address, to: Address, amount: bigint): Promise<void>;
};

/**
 * The account that does what the world itself wants done: mints, deploys wallets. Nobody else uses
 * it. Concurrent calls queue for their nonce only, which is read from the chain each time, so that
 * snapshots and reorgs do no harm.
 */
export function createHouseAccount(client: LocalClient): HouseAccount {
  const { account } = namedAccount("house");
  let queue: Promise<unknown> = Promise.resolve();

  const broadcast = async (call: HouseCall): Promise<Hex> => {
    const { to, data, gas = 100_000n, authorizationList } = call;
    const nonce = await client.getTransactionCount({
      address: account.address,
      blockTag: "pending",
    });
    const common = {
      chainId: client.chain.id,
      to,
      data,
      nonce,
      gas,
      maxFeePerGas: parseGwei("1000"),
      maxPriorityFeePerGas: parseGwei("1"),
    };
    const serializedTransaction = await account.signTransaction(
      (authorizationList === undefined
        ? { ...common, type: "eip1559" }
        : { ...common, type: "eip7702", authorizationList }) as never,
    );
    return client.sendRawTransaction({ serializedTransaction });
  };

  const send: HouseAccount["send"] = async (what, call) => {
    const sent = queue.then(() => broadcast(call));
    queue = sent.catch(() => {});
    const { status } = await client.waitForTransactionReceipt({ hash: await sent });
    if (status !== "success") throw new Error(`${what} was reverted`);
  };

  return {
    prepare: () => client.setBalance({ address: account.address, value: parseEther("1000000") }),
    send,
    mint(token, to, amount) {
      const args = [to, amount] as const;
      const data = encodeFunctionData({ abi: localUsdcAbi, functionName: "mint", args });
      return send(`the mint of ${amount} to ${to}`, { to: token, data });
    },
  };
}
