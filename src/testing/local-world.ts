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
import { createHouseAccount } from "./house-account.ts";
import {
  installMulticall3,
  installOtherTokens,
  installPermit2,
  installSmartAccounts,
  installToken,
  LOCAL_CONTRACTS,
  LOCAL_TOKEN_ADDRESS,
} from "./local-contracts.ts";
import {
  delegateAccount,
  deploySmartWallet,
  smartWallet,
  type SmartWallet,
} from "./smart-wallet.ts";

/** Always Base Sepolia's, whose USDC address and EIP-712 domain the token has. */
const CHAIN_ID = 84532;

export type LocalWorldOptions = Omit<AnvilOptions, "chainId">;

/** A Transfer event of a token; `value` in atomic units (6 decimals for the world's own). */
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
  /** Addresses of the other contracts: Permit2 and the x402 proxies, two more tokens, smart accounts. */
  readonly contracts: typeof LOCAL_CONTRACTS;
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
   * A smart wallet of the key behind `owner`, at an address of its own. With `deploy: false` it is
   * not on the chain yet, and signs by ERC-6492 (`wrapErc6492`). Else resolves when it is in a block.
   */
  newSmartWallet(owner: Address, options?: { readonly deploy?: boolean }): Promise<SmartWallet>;
  /** Puts a wallet that is not on the chain yet there. Does nothing when it is. */
  deploySmartWallet(wallet: SmartWallet): Promise<void>;
  /**
   * Makes an account with a key a smart account too (EIP-7702), in a real transaction that it does
   * not pay, but that uses its next nonce. Default delegate: `contracts.accountDelegate`; the zero
   * address takes the delegation back.
   */
  delegateAccount(account: TestAccount, delegate?: Address): Promise<void>;
  /**
   * Mints `amount` atomic units of `token`, which is the world's own unless it is given, to
   * `address`, and resolves when that is in a block (so with automine off somebody has to mine).
   */
  fundToken(address: Address, amount: bigint, token?: Address): Promise<void>;
  /** Adds `wei` to the ether of `address`, without a block. */
  fundEther(address: Address, wei: bigint): Promise<void>;
  /** Atomic units of the token, or of another one, that `address` has. */
  balanceOf(address: Address, token?: Address): Promise<bigint>;
  /** All transfers of the token to `address` that are on the chain, oldest first, mints included. */
  transfersTo(address: Address, token?: Address): Promise<TokenTransfer[]>;
  /** Ends anvil. Calling it again does no harm. */
  stop(): Promise<void>;
};

/**
 * Starts a chain of its own with a token like USDC, Multicall3, Permit2 and x402's proxies, smart
 * accounts, and funded accounts. Takes 50 ms
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

  const house = createHouseAccount(client);
  const miner = createIntervalMiner(client);

  const world: LocalWorld = {
    ...createChainControl(client, miner),
    chainId: CHAIN_ID,
    network: "eip155:84532",
    rpcUrl: anvil.rpcUrl,
    pid: anvil.pid,
    token: LOCAL_TOKEN_ADDRESS,
    contracts: LOCAL_CONTRACTS,
    accounts,
    client,
    newAccount,
    async newSmartWallet(owner, { deploy = true } = {}) {
      const wallet = smartWallet(owner);
      if (deploy) await deploySmartWallet(house, wallet);
      return wallet;
    },
    deploySmartWallet: (wallet) => deploySmartWallet(house, wallet),
    delegateAccount: (account, delegate = LOCAL_CONTRACTS.accountDelegate) =>
      delegateAccount(client, house, account, delegate),
    fundToken: (address, amount, token = LOCAL_TOKEN_ADDRESS) => house.mint(token, address, amount),
    async fundEther(address, wei) {
      await client.setBalance({ address, value: (await client.getBalance({ address })) + wei });
    },
    balanceOf: (address, token = LOCAL_TOKEN_ADDRESS) =>
      client.readContract({
        address: token,
        abi: erc20Abi,
        functionName: "balanceOf",
        args: [address],
      }),
    transfersTo: (address, token = LOCAL_TOKEN_ADDRESS) => transfersTo(client, address, token),
    stop() {
      miner.every(0);
      return anvil.stop();
    },
  };

  try {
    await Promise.all([
      installToken(client, LOCAL_TOKEN_ADDRESS),
      installMulticall3(client),
      installPermit2(client),
      installOtherTokens(client),
      installSmartAccounts(client),
      house.prepare(),
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

async function transfersTo(
  client: LocalClient,
  address: Address,
  token: Address,
): Promise<TokenTransfer[]> {
  const logs = await client.getContractEvents({
    address: token,
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
