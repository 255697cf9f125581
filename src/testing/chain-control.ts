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
import { createIntervalMiner, type IntervalMiner } from "./interval-miner.ts";

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
  /**
   * A block every so many seconds (0.2 is fine) from now on, or for every transaction with 0. The blocks are mined by this
   * process, so that they and `reorg` do not get in each other's way.
   */
  setBlockTime(seconds: number): Promise<void>;
  /** With false, transactions wait in the pool until `mine` or `setAutomine(true)`. */
  setAutomine(enabled: boolean): Promise<void>;
  /** Remembers the state of the chain; the id is good for one `revert`. */
  snapshot(): Promise<Hex>;
  /** Takes the chain back to a snapshot. Pooled transactions and later blocks are gone. */
  revert(id: Hex): Promise<void>;
  /**
   * Replaces the newest blocks with as many empty ones: their transactions never happened. The clock goes on as before.
   *
   * @throws Error while anvil mines at an interval by itself (`blockTimeSeconds`), for then the chain may break: use
   * `setBlockTime` instead.
   */
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
export function createChainControl(
  client: LocalClient,
  miner: IntervalMiner = createIntervalMiner(client),
): ChainControl {
  /** Seconds that the chain's clock is ahead. */
  const clockOffset = async () => Number(await client.increaseTime({ seconds: 0 }));

  async function reorg(depth: number): Promise<void> {
    const interval = await client.request({ method: "anvil_getIntervalMining" } as never);
    if (interval !== null) {
      throw new Error(
        "anvil mines at an interval by itself, and a reorganization may break its chain: use setBlockTime instead of blockTimeSeconds",
      );
    }
    const automine = await client.getAutomine();
    if (automine) {
      await client.setAutomine(false);
      await untilStill(client);
    }
    try {
      const before = await clockOffset();
      await client.request({ method: "anvil_reorg", params: [depth, []] } as never);
      // anvil sets its clock back to the last block that stays.
      const behind = before - (await clockOffset());
      if (behind > 0) await client.increaseTime({ seconds: behind });
    } finally {
      if (automine) await client.setAutomine(true);
    }
  }

  return {
    mine: (blocks = 1) => miner.inTurn(() => client.mine({ blocks })),
    now: async () => Number((await client.getBlock()).timestamp),
    increaseTime: (seconds) =>
      miner.inTurn(async () => {
        await client.increaseTime({ seconds });
        await client.mine({ blocks: 1 });
      }),
    setNextBlockTimestamp: (seconds) =>
      client.setNextBlockTimestamp({ timestamp: BigInt(seconds) }),
    async setBlockTime(seconds) {
      if (seconds === 0) await client.setAutomine(true);
      else await client.setIntervalMining({ interval: 0 }); // no automine either
      miner.every(seconds);
    },
    async setAutomine(enabled) {
      miner.every(0);
      await client.setAutomine(enabled);
    },
    snapshot: () => miner.inTurn(() => client.snapshot()),
    revert: (id) => miner.inTurn(() => client.revert({ id })),
    reorg: (depth) => miner.inTurn(() => reorg(depth)),
  };
}

/** Resolves when no block has come for a moment. */
async function untilStill(client: LocalClient): Promise<void> {
  let last: bigint | undefined;
  for (let same = 0; same < 3;) {
    const number = await client.getBlockNumber();
    same = number === last ? same + 1 : 0;
    last = number;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
