import {
  createTestClient,
  http,
  publicActions,
  walletActions,
  type Chain,
  type Client,
  type Hex,
  type HttpTransport,
  type PublicActions,
  type TestActions,
  type TestRpcSchema,
  type WalletActions,
} from "viem";

/** A viem client with the test, public and wallet actions of a local chain, and no account. */
export type LocalClient = Client<
  HttpTransport,
  Chain,
  undefined,
  TestRpcSchema<"anvil">,
  TestActions & PublicActions<HttpTransport, Chain> & WalletActions<Chain>
>;

/** Time, blocks and history of a local chain. All times in seconds. */
export type ChainControl = {
  /** Mines blocks now, 1 by default, with whatever waits in the pool. */
  mine(blocks?: number): Promise<void>;
  /** Timestamp of the newest block, in Unix seconds: the `now` that contracts saw last. */
  now(): Promise<number>;
  /** Moves the clock forward and mines a block, so that reads see it too. */
  increaseTime(seconds: number): Promise<void>;
  /** Unix seconds of the next block exactly; not before the newest one. */
  setNextBlockTimestamp(seconds: number): Promise<void>;
  /** A block every so many whole seconds from now on, or for every transaction with 0. */
  setBlockTime(seconds: number): Promise<void>;
  /** With false, transactions wait in the pool until `mine` or `setAutomine(true)`. */
  setAutomine(enabled: boolean): Promise<void>;
  /** Remembers the state of the chain; the id is good for one `revert`. */
  snapshot(): Promise<Hex>;
  /** Takes the chain back to a snapshot. Pooled transactions and later blocks are gone. */
  revert(id: Hex): Promise<void>;
  /** Replaces the newest blocks with as many empty ones: their transactions never happened. */
  reorg(depth: number): Promise<void>;
};

/**
 * A viem client with test, public and wallet actions for a local chain. Calls made in the same tick
 * travel as one JSON-RPC batch. Transaction polling is fast (20 ms).
 */
export function createLocalClient(rpcUrl: string, chainId: number): LocalClient {
  return createTestClient({
    mode: "anvil",
    chain: {
      id: chainId,
      name: "local",
      nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
      rpcUrls: { default: { http: [rpcUrl] } },
    },
    transport: http(rpcUrl, { batch: true, retryCount: 0 }),
    pollingInterval: 20,
    cacheTime: 0,
  })
    .extend(publicActions)
    .extend(walletActions);
}

/** The controls of the chain behind `client`. */
export function createChainControl(client: LocalClient): ChainControl {
  return {
    mine: (blocks = 1) => client.mine({ blocks }),
    now: async () => Number((await client.getBlock()).timestamp),
    async increaseTime(seconds) {
      await client.increaseTime({ seconds });
      await client.mine({ blocks: 1 });
    },
    setNextBlockTimestamp: (seconds) =>
      client.setNextBlockTimestamp({ timestamp: BigInt(seconds) }),
    setBlockTime: (seconds) =>
      seconds === 0 ? client.setAutomine(true) : client.setIntervalMining({ interval: seconds }),
    setAutomine: (enabled) => client.setAutomine(enabled),
    snapshot: () => client.snapshot(),
    revert: (id) => client.revert({ id }),
    async reorg(depth) {
      await client.request({ method: "anvil_reorg", params: [depth, []] } as never);
    },
  };
}
