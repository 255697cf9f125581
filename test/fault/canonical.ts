/** What the canonical chain says: blocks linked by their hashes, their receipts, and the balances, which logs must explain. */
import { erc20Abi, numberToHex, parseEventLogs, type Address, type Hash } from "viem";
import type { LocalWorld } from "../../src/testing/index.ts";

export interface Transfer {
  /** Addresses in lower case. */
  readonly from: string;
  readonly to: string;
  readonly value: bigint;
  readonly transaction: string;
}

export interface CanonicalChain {
  readonly head: bigint;
  /** Transfers of the token in receipts of canonical blocks, oldest first. */
  readonly transfers: readonly Transfer[];
  /** Where the chain contradicts itself: then it proves nothing. */
  readonly contradictions: readonly string[];
}

type BlockReceipt = {
  readonly transactionHash: Hash;
  readonly blockHash: Hash;
  readonly logs: Parameters<typeof parseEventLogs>[0]["logs"];
};

/** Reads all blocks up to the newest and their receipts. `eth_getLogs` is not asked: it may be an index of its own. */
export async function readChain({ client, token }: LocalWorld): Promise<CanonicalChain> {
  const head = await client.getBlockNumber();
  const blocks = await Promise.all(
    Array.from({ length: Number(head) + 1 }, (_, number) =>
      client.getBlock({ blockNumber: BigInt(number) }).catch(() => undefined),
    ),
  );
  const contradictions: string[] = [];
  const seen = new Set<Hash>();
  const receipts = await Promise.all(
    blocks.map(async (block, number) => {
      if (block === undefined) {
        contradictions.push(`chain: there is no block ${number}`);
        return [];
      }
      if (number > 0 && block.parentHash !== blocks[number - 1]?.hash)
        contradictions.push(`chain: block ${number} is not on top of block ${number - 1}`);
      for (const hash of block.transactions) {
        if (seen.has(hash)) contradictions.push(`chain: ${hash} is in two blocks`);
        seen.add(hash);
      }
      if (block.transactions.length === 0) return [];
      const found: BlockReceipt[] = await client.request({
        method: "eth_getBlockReceipts",
        params: [numberToHex(number)],
      } as never);
      const own = found.filter(({ blockHash }) => blockHash === block.hash);
      if (own.map((each) => each.transactionHash).join() !== block.transactions.join())
        contradictions.push(`chain: block ${number} has other receipts than transactions`);
      return own;
    }),
  );
  const logs = receipts.flat().flatMap((receipt) => receipt.logs);
  const events = parseEventLogs({ abi: erc20Abi, eventName: "Transfer", logs });
  const transfers = events
    .filter(({ address }) => address.toLowerCase() === token.toLowerCase())
    .map(({ args, transactionHash }) => ({
      from: args.from.toLowerCase(),
      to: args.to.toLowerCase(),
      value: args.value,
      transaction: transactionHash,
    }));
  return { head, transfers, contradictions };
}

/** Addresses that have another balance of the token than the transfers to and from them make. */
export async function unexplained(
  { client, token }: LocalWorld,
  { head, transfers }: CanonicalChain,
  addresses: readonly string[],
): Promise<string[]> {
  const moved = new Map<string, bigint>();
  const move = (address: string, value: bigint) =>
    moved.set(address, (moved.get(address) ?? 0n) + value);
  for (const { from, to, value } of transfers) {
    move(from, -value);
    move(to, value);
  }
  const lines = await Promise.all(
    [...new Set(addresses)].map(async (address) => {
      const balance = await client.readContract({
        address: token,
        abi: erc20Abi,
        functionName: "balanceOf",
        args: [address as Address],
        blockNumber: head,
      });
      const expected = moved.get(address) ?? 0n;
      return balance === expected
        ? []
        : [`O2: ${address} has ${balance}, its transfers make ${expected}`];
    }),
  );
  return lines.flat();
}
