import type { LocalClient } from "./chain-control.ts";

/** Blocks at intervals that are mined from here, and never while something else is done to the chain. */
export type IntervalMiner = {
  /** Does something to the chain while no block is being mined from here. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** A block every so many seconds from now on; 0: no more. */
  every(seconds: number): void;
};

/**
 * anvil itself does not keep its miner and a reorganization apart: a block that is mined meanwhile keeps its receipts and
 * logs when its state is already undone, and its transactions can be mined once more (seen in 1.7.1). So whoever wants
 * reorganizations has the blocks mined from here.
 */
export function createIntervalMiner(client: LocalClient): IntervalMiner {
  let last: Promise<unknown> = Promise.resolve();
  let stop = (): void => {};

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  }

  function every(seconds: number): void {
    stop();
    if (seconds === 0) return;
    const periodMs = seconds * 1000;
    let dueMs = Date.now();
    let over = false;
    let timer: NodeJS.Timeout | undefined;
    const mine = async () => void (over || (await client.mine({ blocks: 1 })));
    const wait = (): void => {
      if (over) return;
      dueMs = Math.max(dueMs + periodMs, Date.now());
      timer = setTimeout(() => void tick(), dueMs - Date.now()).unref();
    };
    const tick = async (): Promise<void> => {
      // Without a chain there is nothing to mine; what failed comes with the next block.
      await inTurn(mine).catch(() => {});
      wait();
    };
    stop = () => {
      over = true;
      clearTimeout(timer);
    };
    wait();
  }

  return { inTurn, every };
}
