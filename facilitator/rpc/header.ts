import type { Hex } from "../../src/core/scheme.ts";
import type { Head } from "../chain.ts";
import { parseHash, parseNumber, parseObject, parseQuantity } from "./quantity.ts";

/** A block's header, from `eth_getBlockBy…` or `newHeads`. */
export function parseHead(value: unknown): Head {
  const block = parseObject(value, "block");
  return {
    number: parseQuantity(block["number"], "block number"),
    hash: parseHash(block["hash"], "block hash"),
    parentHash: parseHash(block["parentHash"], "parent hash"),
    timestampSeconds: parseNumber(block["timestamp"], "timestamp"),
    // Chains without EIP-1559 have none.
    baseFeePerGas: parseQuantity(block["baseFeePerGas"] ?? "0x0", "base fee"),
  };
}

/** Hashes of a block's transactions, if the answer has them. */
export function parseTransactions(value: unknown): readonly Hex[] | undefined {
  const { transactions } = parseObject(value, "block");
  if (!Array.isArray(transactions)) return undefined;
  return (transactions as unknown[]).map((hash) => parseHash(hash, "transaction hash"));
}
