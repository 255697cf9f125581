import { parseEther, parseUnits, type Address, type Hex } from "viem";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { namedAccount, newAccount, type TestAccount } from "./accounts.ts";
import { startAnvil, type AnvilOptions } from "./anvil.ts";
import { createIntervalMiner } from "./interval-miner.ts";
import {
  createChainControl,
  createLocalClient,
  type ChainControl,
  type LocalClient,
} from "./chain-control.ts";
import { installMulticall3, installToken, LOCAL_TOKEN_ADDRESS } from "./local-contracts.ts";
import { createMinter } from "./minter.ts";

/** Always Base Sepolia's, whose USDC address and EIP-712 domain the token has. */
const CHAIN_ID = 84532;

export type LocalWorldOptions = Omit<AnvilOptions, "chainId">;

/** A Transfer event of the token; `value` in atomic units (6 decimals). */
export type TokenTransfer = {
  readonly from: Address;
  readonly to: Address;
  readonly value: bigint;
  readonly transactionHash: Hex;
  readonly logIndex: number;
  readonly blockNumber: bigint;
};

export type LocalWorld = ChainControl & {
  readonly chainId: 84532;
  readonly network: "eip155:84532";
  readonly rpcUrl: string;
  /** pid of anvil. */
  readonly pid: number;
  /** A token like USDC, at USDC's address on Base Sepolia: name "USDC", version "2". */
  readonly token: typeof LOCAL_TOKEN_ADDRESS;
  /**
   * payer: 1,000 USDC and no ether. payee: nothing. facilitator: 100 ETH. deployer: 10,000 ETH.
   * The same keys in every world; none of them is one of anvil's own.
   */
  readonly accounts: Readonly<Record<"payer" | "payee" | "facilitator" | "deployer", TestAccount>>;
  /** viem client with test, public and wallet actions. */
  readonly client: LocalClient;
  /** A fresh account with a random key, and nothing on it. */
  newAccount(): TestAccount;
  /**
   * Mints `amount` atomic units to `address`, and resolves when that is in a block (so with automine
   * off somebody has to mine).
   */
  fundToken(address: Address, amount: bigint): Promise<void>;
  /** Adds `wei` to the ether of `address`, without a block. */
  fundEther(address: Address, wei: bigint): Promise<void>;
  /** Atomic units of the token that `address` has. */
  balanceOf(address: Address): Promise<bigint>;
  /** All transfers of the token to `address` that are on the chain, oldest first, mints included. */
  transfersTo(address: Address): Promise<TokenTransfer[]>;
  /** Ends anvil. Calling it again does no harm. */
  stop(): Promise<void>;
};

/**
 * Starts a chain of its own with a token like USDC, Multicall3 and funded accounts. Takes 50 ms
 * (200 the first time in a process); call `stop()` at the end.
 *
 * @throws Error when anvil is missing or does not start.
 */
export async function startLocalWorld(options: LocalWorldOptions = {}): Promise<LocalWorld> {
  const anvil = await startAnvil({ ...options, chainId: CHAIN_ID });
  const client = createLocalClient(anvil.rpcUrl, CHAIN_ID);
  const accounts = {
    payer: namedAccount("payer"),
    payee: namedAccount("payee"),
    facilitator: namedAccount("facilitator"),
    deployer: namedAccount("deployer"),
  };

  const minter = createMinter(client);
  const miner = createIntervalMiner(client);

  const world: LocalWorld = {
    ...createChainControl(client, miner),
    chainId: CHAIN_ID,
    network: "eip155:84532",
    rpcUrl: anvil.rpcUrl,
    pid: anvil.pid,
    token: LOCAL_TOKEN_ADDRESS,
    accounts,
    client,
    newAccount,
    fundToken: (address, amount) => minter.mint(address, amount),
    async fundEther(address, wei) {
      await client.setBalance({ address, value: (await client.getBalance({ address })) + wei });
    },
    balanceOf: (address) =>
      client.readContract({
        address: LOCAL_TOKEN_ADDRESS,
        abi: erc20Abi,
        functionName: "balanceOf",
        args: [address],
      }),
    transfersTo: (address) => transfersTo(client, address),
    stop() {
      miner.every(0);
      return anvil.stop();
    },
  };

  try {
    await Promise.all([
      installToken(client, LOCAL_TOKEN_ADDRESS),
      installMulticall3(client),
      minter.prepare(),
      client.setBalance({ address: accounts.facilitator.address, value: parseEther("100") }),
      client.setBalance({ address: accounts.deployer.address, value: parseEther("10000") }),
    ]);
    await world.fundToken(accounts.payer.address, parseUnits("1000", 6));
    return world;
  } catch (error) {
    await anvil.stop();
    throw error;
  }
}

async function transfersTo(client: LocalClient, address: Address): Promise<TokenTransfer[]> {
  const logs = await client.getContractEvents({
    address: LOCAL_TOKEN_ADDRESS,
    abi: erc20Abi,
    eventName: "Transfer",
    args: { to: address },
    fromBlock: 0n,
    strict: true,
  });
  return logs.map(({ args, transactionHash, logIndex, blockNumber }) => ({
    ...args,
    transactionHash,
    logIndex,
    blockNumber,
  }));
}
