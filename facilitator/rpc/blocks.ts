/** Heads, headers and receipts, over endpoints that may lag behind each other. */
import type { Hex } from "../../src/core/scheme.ts";
import type { Head, Receipt } from "../chain.ts";
import type { Attempt, Endpoint } from "./endpoint.ts";
import { STALE, type Endpoints } from "./endpoints.ts";
import { parseHead, parseTransactions } from "./header.ts";
import { Malformed, parseNumber, toQuantity } from "./quantity.ts";
import { parseBlockReceipts, parseReceipt } from "./receipts.ts";
import { X402Error } from "../../src/core/errors.ts";

export interface BlockReader {
  head(): Promise<Head>;
  /** The newest head that any endpoint has. */
  headOfAll(): Promise<Head>;
  /** 0 when the chain does not say. */
  finalized(): Promise<bigint>;
  block(number: bigint): Promise<Head | undefined>;
  receipts(head: Pick<Head, "number" | "hash">): Promise<readonly Receipt[]>;
}

const BLOCK_RECEIPTS = "eth_getBlockReceipts";
const NOT_THERE = { retry: "does not have the block" } as const;

export function createBlockReader(endpoints: Endpoints): BlockReader {
  async function headOf(endpoint: Endpoint): Promise<Attempt<Head>> {
    const answer = await endpoint.ask("eth_getBlockByNumber", ["latest", false], parseHead);
    if ("value" in answer) endpoint.head = answer.value.number;
    return answer;
  }

  async function head(): Promise<Head> {
    const behind = new Map<Endpoint, Head>();
    const answer = await endpoints.attempt("eth_getBlockByNumber", async (endpoint) => {
      const newest = endpoints.newest();
      const own = await headOf(endpoint);
      if (!("value" in own) || newest === undefined || own.value.number + STALE >= newest)
        return own;
      behind.set(endpoint, own.value);
      // All of them say so: then the chain was set back.
      if (behind.size === endpoints.all.length) return { value: highest([...behind.values()]) };
      return { retry: "stands still" };
    });
    if ("value" in answer) return answer.value;
    throw new X402Error("rpc_unavailable", "no head", { retry: "safe" });
  }

  async function headOfAll(): Promise<Head> {
    if (endpoints.all.length === 1) return head();
    const answers = await Promise.all(endpoints.all.map(headOf));
    const heads = answers.flatMap((answer) => ("value" in answer ? answer.value : []));
    return heads.length === 0 ? head() : highest(heads);
  }

  /** In one call, by hash: with a number it might be another block's receipts. */
  async function inOne(endpoint: Endpoint, hash: Hex): Promise<Attempt<readonly Receipt[]>> {
    const parse = (result: unknown): readonly Receipt[] | undefined =>
      result === null ? undefined : parseBlockReceipts(result, hash);
    const answer = await endpoint.ask(BLOCK_RECEIPTS, [hash], parse, "alone");
    if (!("value" in answer)) return answer;
    if (answer.value === undefined) return NOT_THERE;
    if (answer.value.length > 0) return { value: answer.value };
    // A node may have the block and not yet its receipts.
    const count = await endpoint.ask("eth_getBlockTransactionCountByHash", [hash], (result) =>
      result === null ? undefined : parseNumber(result, "transaction count"),
    );
    return "value" in count && (count.value ?? 1) > 0
      ? { retry: "does not have the receipts" }
      : { value: [] };
  }

  async function oneByOne(endpoint: Endpoint, hash: Hex): Promise<Attempt<readonly Receipt[]>> {
    const block = await endpoint.ask("eth_getBlockByHash", [hash, false], (result) => {
      if (result === null) return undefined;
      if (parseHead(result).hash !== hash) throw new Malformed("another block");
      return parseTransactions(result);
    });
    if (!("value" in block)) return block;
    if (block.value === undefined) return NOT_THERE;
    const receipts: Receipt[] = [];
    const answers = await Promise.all(
      block.value.map((transaction) =>
        endpoint.ask("eth_getTransactionReceipt", [transaction], (result) =>
          result === null ? undefined : parseReceipt(result, hash),
        ),
      ),
    );
    for (const answer of answers) {
      if (!("value" in answer)) return answer;
      if (answer.value === undefined) return { retry: "does not have the receipts" };
      receipts.push(answer.value);
    }
    return { value: receipts };
  }

  return {
    head,
    headOfAll,
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
    async receipts({ hash }) {
      const answer = await endpoints.attempt("receipts", async (endpoint) => {
        if (endpoint.lacks(BLOCK_RECEIPTS)) return oneByOne(endpoint, hash);
        const all = await inOne(endpoint, hash);
        return "value" in all || !endpoint.lacks(BLOCK_RECEIPTS) ? all : oneByOne(endpoint, hash);
      });
      if ("value" in answer) return answer.value;
      throw new X402Error("rpc_unavailable", "no receipts", { retry: "safe" });
    },
  };
}

function highest(heads: readonly Head[]): Head {
  return heads.reduce((best, head) => (head.number > best.number ? head : best));
}
