import type { Hex, Log } from "../../src/core/scheme.ts";
import type { Receipt } from "../chain.ts";
import {
  Malformed,
  parseAddress,
  parseArray,
  parseData,
  parseHash,
  parseNumber,
  parseObject,
  parseQuantity,
} from "./quantity.ts";

/** A receipt, of that block if one is given. Its logs are in the order of their emission. */
export function parseReceipt(value: unknown, blockHash?: Hex): Receipt {
  const receipt = parseObject(value, "receipt");
  const { status } = receipt;
  if (status !== "0x1" && status !== "0x0") throw new Malformed("bad status");
  const hash = parseHash(receipt["blockHash"], "block hash");
  if (blockHash !== undefined && hash !== blockHash)
    throw new Malformed("receipt of another block");
  return {
    transaction: parseHash(receipt["transactionHash"], "transaction hash"),
    success: status === "0x1",
    block: parseQuantity(receipt["blockNumber"], "block number"),
    blockHash: hash,
    gasUsed: parseQuantity(receipt["gasUsed"], "gas used"),
    logs: parseLogs(receipt["logs"]),
  };
}

/** The receipt of a certain transaction; nothing when there is none. */
export function parseReceiptOf(
  transaction: Hex,
  value: unknown,
  blockHash?: Hex,
): Receipt | undefined {
  if (value === null) return undefined;
  const receipt = parseReceipt(value, blockHash);
  if (receipt.transaction !== transaction.toLowerCase())
    throw new Malformed("receipt of another transaction");
  return receipt;
}

/** Receipts of one block: all of that block, no transaction twice. */
export function parseBlockReceipts(value: unknown, blockHash: Hex): readonly Receipt[] {
  const receipts = parseArray(value, "receipts").map((item) => parseReceipt(item, blockHash));
  if (new Set(receipts.map(({ transaction }) => transaction)).size !== receipts.length)
    throw new Malformed("a receipt twice");
  return receipts;
}

function parseLogs(value: unknown): readonly Log[] {
  let last = -1;
  return parseArray(value, "logs").map((item) => {
    const log = parseObject(item, "log");
    const index = parseNumber(log["logIndex"], "log index");
    if (index <= last) throw new Malformed("logs out of order");
    last = index;
    return parseLog(log);
  });
}

export function parseLog(log: Readonly<Record<string, unknown>>): Log {
  if (log["removed"] === true) throw new Malformed("a log that was removed");
  return {
    address: parseAddress(log["address"], "address"),
    topics: parseArray(log["topics"], "topics").map((topic) => parseHash(topic, "topic")),
    data: parseData(log["data"], "data"),
  };
}
