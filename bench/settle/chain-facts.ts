/** What the chain itself says of a run: when blocks came, what was in them, what it cost. */
import { createPublicClient, webSocket } from "viem";
import { nowMs } from "./protocol.ts";

const AUTHORIZATION_USED = "0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5";

export interface HeadTimes {
  /** When each block was heard of, milliseconds of the monotonic clock. */
  readonly atMs: ReadonlyMap<number, number>;
  readonly newest: () => number;
  /** Resolves with the number of the next head, as soon as it is there. */
  next(): Promise<number>;
  stop(): Promise<void>;
}

export async function watchHeads(rpcUrl: string): Promise<HeadTimes> {
  const client = createPublicClient({ transport: webSocket(rpcUrl.replace(/^http/, "ws")) });
  const atMs = new Map<number, number>();
  let newest = 0;
  let waiting: ((number: number) => void)[] = [];
  const { unsubscribe } = await client.transport.subscribe({
    params: ["newHeads"],
    onData({ result }) {
      newest = Number((result as { readonly number: string }).number);
      atMs.set(newest, nowMs());
      for (const resolve of waiting.splice(0)) resolve(newest);
    },
  });
  return {
    atMs,
    newest: () => newest,
    next: () => new Promise((resolve) => waiting.push(resolve)),
    async stop() {
      waiting = [];
      await unsubscribe();
      (await client.transport.getRpcClient()).close();
    },
  };
}

export interface SentTransaction {
  readonly block: number;
  readonly payments: number;
  readonly gas: number;
}

interface RpcReceipt {
  readonly transactionHash: string;
  readonly gasUsed: string;
  readonly logs: readonly { readonly topics: readonly string[] }[];
}

/** The transactions with payments in these blocks, by hash. */
export async function readTransactions(
  rpcUrl: string,
  from: number,
  to: number,
): Promise<Map<string, SentTransaction>> {
  const found = new Map<string, SentTransaction>();
  for (let block = from; block <= to; block++) {
    const answer = await fetch(rpcUrl, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "eth_getBlockReceipts",
        params: [`0x${block.toString(16)}`],
      }),
    });
    const { result } = (await answer.json()) as { result: readonly RpcReceipt[] | null };
    for (const { transactionHash, gasUsed, logs } of result ?? []) {
      const payments = logs.filter(({ topics }) => topics[0] === AUTHORIZATION_USED).length;
      if (payments > 0) found.set(transactionHash, { block, payments, gas: Number(gasUsed) });
    }
  }
  return found;
}
