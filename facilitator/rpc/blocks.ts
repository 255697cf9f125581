/** Heads, headers and receipts, over endpoints that may lag behind each other. */
import type { Hex } from "../../src/core/scheme.ts";
import type { Head, Receipt } from "../chain.ts";
import type { Attempt, Endpoint } from "./endpoint.ts";
import type { Endpoints, Outcome } from "./endpoints.ts";
import { parseHead, parseTransactions } from "./header.ts";
import { Malformed, parseNumber, toQuantity } from "./quantity.ts";
import { parseBlockReceipts, parseReceiptOf } from "./receipts.ts";

export interface BlockReader {
  head(): Promise<Head>;
  /** The same, and finds out what the other endpoints have, for the next time. */
  headAmongAll(): Promise<Head>;
  /** 0 when the chain does not say. */
  finalized(): Promise<bigint>;
  block(number: bigint): Promise<Head | undefined>;
  receipts(block: Pick<Head, "number" | "hash">): Promise<readonly Receipt[]>;
}

const BLOCK_RECEIPTS = "eth_getBlockReceipts";
const BY_HASH = "eth_getBlockReceipts by hash";
/** An endpoint that is so far behind is on no other fork: it stands still. */
const STALE = 64n;
/** The endpoint that told of a head need not be the one that is asked for its receipts: so often all are asked. */
const RECEIPT_ROUNDS = 6;

const NO_BLOCK = { retry: "does not have the block" } as const;
const NO_RECEIPTS = { retry: "does not have the receipts" } as const;

export function createBlockReader(endpoints: Endpoints): BlockReader {
  async function head(): Promise<Head> {
    const behind = new Map<Endpoint, Head>();
    const best = (): Head | undefined =>
      [...behind.values()].toSorted((a, b) => Number(b.number - a.number))[0];
    const found = await endpoints
      .attempt("eth_getBlockByNumber", async (endpoint) => {
        const newest = endpoints.newest();
        const own = await endpoint.latest();
        if (!("value" in own) || !endpoint.lags(newest)) return own;
        behind.set(endpoint, own.value);
        // All of them say so: then the chain was set back.
        return behind.size === endpoints.all.length
          ? { value: best()! }
          : { retry: "is behind others" };
      })
      .catch((error: unknown): Outcome<Head> => {
        // A few blocks behind is better than nothing, and can be a reorganization; many are a node that stands still.
        const [behindLeast, newest] = [best(), endpoints.newest()];
        if (behindLeast === undefined || behindLeast.number + STALE < (newest ?? 0n)) throw error;
        return { value: behindLeast };
      });
    return value("eth_getBlockByNumber", found);
  }

  function value<T>(what: string, outcome: Outcome<T>): T {
    if ("value" in outcome) return outcome.value;
    throw endpoints.unavailable(what, `refused (code ${outcome.error.code})`);
  }

  /** All in one answer. By hash: a number may become another block in the meantime. */
  async function inOne(
    endpoint: Endpoint,
    { number, hash }: Pick<Head, "number" | "hash">,
  ): Promise<Attempt<readonly Receipt[]>> {
    const ask = (block: Hex): Promise<Attempt<readonly Receipt[] | undefined>> =>
      endpoint.ask(
        BLOCK_RECEIPTS,
        [block],
        (result) => (result === null ? undefined : parseBlockReceipts(result, hash)),
        "alone",
      );
    let answer = await ask(endpoint.lacks(BY_HASH) ? toQuantity(number) : hash);
    // reth before 0.1.0-alpha.11 and cdk-erigon refuse hashes.
    if (isRefusal(answer) && !endpoint.lacks(BLOCK_RECEIPTS) && !endpoint.lacks(BY_HASH)) {
      answer = await ask(toQuantity(number));
      if (!isRefusal(answer)) endpoint.lack(BY_HASH);
    }
    if (!("value" in answer)) return answer;
    if (answer.value === undefined) return NO_BLOCK;
    if (answer.value.length > 0) return { value: answer.value };
    // A node may have the block and not yet its receipts.
    const count = await endpoint.ask("eth_getBlockTransactionCountByHash", [hash], (result) =>
      result === null ? undefined : parseNumber(result, "transaction count"),
    );
    if (!("value" in count)) return "error" in count ? { value: [] } : count;
    return count.value === 0 ? { value: [] } : NO_RECEIPTS;
  }

  async function oneByOne(endpoint: Endpoint, hash: Hex): Promise<Attempt<readonly Receipt[]>> {
    const block = await endpoint.ask("eth_getBlockByHash", [hash, false], (result) => {
      if (result === null) return undefined;
      if (parseHead(result).hash !== hash) throw new Malformed("another block");
      return parseTransactions(result);
    });
    if (!("value" in block)) return block;
    if (block.value === undefined) return NO_BLOCK;
    const receipts: Receipt[] = [];
    const answers = await Promise.all(
      block.value.map((transaction) =>
        endpoint.ask("eth_getTransactionReceipt", [transaction], (result) =>
          parseReceiptOf(transaction, result, hash),
        ),
      ),
    );
    for (const answer of answers) {
      if (!("value" in answer)) return answer;
      if (answer.value === undefined) return NO_RECEIPTS;
      receipts.push(answer.value);
    }
    return { value: receipts };
  }

  return {
    head,
    headAmongAll() {
      for (const endpoint of endpoints.order().slice(1)) void endpoint.latest();
      return head();
    },
    async finalized() {
      const answer = await endpoints.ask("eth_getBlockByNumber", ["finalized", false], (result) =>
        result === null ? 0n : parseHead(result).number,
      );
      return "value" in answer ? answer.value : 0n;
    },
    block: (number) =>
      endpoints.read("eth_getBlockByNumber", [toQuantity(number), false], (result) => {
        if (result === null) return undefined;
        const block = parseHead(result);
        if (block.number !== number) throw new Malformed("another block");
        return block;
      }),
    async receipts(block) {
      const found = await endpoints.attempt(
        BLOCK_RECEIPTS,
        async (endpoint) => {
          if (endpoint.lacks(BLOCK_RECEIPTS)) return oneByOne(endpoint, block.hash);
          const receipts = await inOne(endpoint, block);
          return endpoint.lacks(BLOCK_RECEIPTS) ? oneByOne(endpoint, block.hash) : receipts;
        },
        RECEIPT_ROUNDS * endpoints.all.length,
      );
      return value(BLOCK_RECEIPTS, found);
    },
  };
}

const isRefusal = (answer: Attempt<unknown>): boolean => "error" in answer || "refused" in answer;
