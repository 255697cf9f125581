import { evmChainId, type Network } from "../../src/core/network.ts";
import type { Hex } from "../../src/core/scheme.ts";
import type { EvmChain, Head } from "../chain.ts";
import { createBlockReader } from "./blocks.ts";
import { broadcast } from "./broadcast.ts";
import { createCall } from "./call.ts";
import { codeSizesCall, parseCodeSizes } from "./code-sizes.ts";
import { createEndpoint, type EndpointStats } from "./endpoint.ts";
import { createEndpoints, type RetryOptions } from "./endpoints.ts";
import { feeLimits, suggestFees } from "./fees.ts";
import { createHeadWatch } from "./heads.ts";
import { createFetchPost } from "./fetch-post.ts";
import { MAX_ANSWER_BYTES, type HttpPost } from "./http-post.ts";
import { createNodePost } from "./node-post.ts";
import {
  parseArray,
  parseData,
  parseHash,
  parseNumber,
  parseObject,
  parseQuantity,
  toQuantity,
} from "./quantity.ts";
import { parseLog, parseReceiptOf } from "./receipts.ts";
import { subscribeHeads } from "./ws-heads.ts";

export interface EvmChainOptions {
  readonly network: Network;
  /**
   * JSON-RPC endpoints, the best first: at least one `http` or `https`, which answers requests; `ws` and `wss` tell of
   * heads.
   */
  readonly rpcUrls: readonly string[];
  /** Milliseconds that one endpoint has for one answer; a read gives up after twice that. Default 4000. */
  readonly timeoutMs?: number;
  /** Wei per gas. Default: by chain, see `fees.ts`. */
  readonly feeCeiling?: bigint;
  /** Milliseconds between polls for a new head. Default: a quarter of the block time, from 20 to 2000. */
  readonly pollMs?: number;
  readonly retry?: RetryOptions;
  /** The HTTP client, which is then not closed here; default `node:http`, or `fetch` where that is not to be had. */
  readonly post?: HttpPost;
  /** Hears what a listener of heads threw. */
  readonly onError?: (error: unknown) => void;
}

export interface EvmRpcChain extends EvmChain {
  /** What was asked of which endpoint, and how they are. */
  stats(): readonly EndpointStats[];
}

/** Milliseconds between blocks, before any was seen. */
const BLOCK_TIMES: Readonly<Record<number, number>> = {
  1: 12_000,
  10: 2000,
  56: 750,
  100: 5000,
  137: 2000,
  8453: 2000,
  84532: 2000,
  42161: 250,
  421614: 250,
  43114: 1500,
  11155111: 12_000,
};

/**
 * A chain over JSON-RPC.
 *
 * @throws TypeError for a network that is no EVM chain, and for URLs that are none.
 */
export function evmChain(options: EvmChainOptions): EvmRpcChain {
  const { network, timeoutMs = 4000, pollMs, retry, onError } = options;
  const id = evmChainId(network);
  if (id === undefined)
    throw new TypeError(`network "${network}" is not an EVM chain such as "eip155:8453"`);
  const { http, ws } = sortUrls(options.rpcUrls);
  const limits = feeLimits(id, options.feeCeiling);
  const post =
    options.post ?? createNodePost(MAX_ANSWER_BYTES) ?? createFetchPost(MAX_ANSWER_BYTES);
  const endpoints = createEndpoints(
    http.map(({ url, label }) => createEndpoint({ label, url, chainId: id, post, timeoutMs })),
    { network, timeoutMs, retry },
  );
  const blocks = createBlockReader(endpoints);
  let turn = 0;
  const watch = createHeadWatch({
    ask: (stalled) => (stalled ? blocks.headAmongAll() : blocks.head()),
    subscribe:
      ws.length === 0
        ? undefined
        : (onHead, onEnd) => subscribeHeads(ws[turn++ % ws.length]!, id, onHead, onEnd),
    pollMs,
    blockTimeMs: BLOCK_TIMES[id] ?? 2000,
    onError,
  });
  let tip: { readonly head: Hex; readonly value: Promise<bigint> } | undefined;

  const head = async (): Promise<Head> => watch.fresh() ?? blocks.head();

  /** One question a head, also for many who ask at once. Not every node has the method. */
  function tipAt({ hash }: Head): Promise<bigint> {
    if (tip?.head === hash) return tip.value;
    const value = endpoints
      .read("eth_maxPriorityFeePerGas", [], (result) => parseQuantity(result, "priority fee"))
      .catch(() => limits.minTip);
    tip = { head: hash, value };
    return value;
  }

  return {
    network,
    feeCeiling: limits.ceiling,
    head,
    watch: watch.watch,
    blockTimeMs: watch.blockTimeMs,
    finalized: blocks.finalized,
    block: blocks.block,
    blockReceipts: blocks.receipts,

    call: createCall(endpoints),

    code: (address) =>
      endpoints.read("eth_getCode", [address, "latest"], (result) => parseData(result, "code")),

    async haveCode(addresses) {
      const data = codeSizesCall(addresses);
      const answer = await endpoints.ask("eth_call", [{ data }, "latest"], (result) =>
        parseData(result, "code sizes"),
      );
      const sizes = "value" in answer ? parseCodeSizes(answer.value, addresses.length) : undefined;
      if (sizes !== undefined) return sizes.map((size) => size > 0n);
      const codes = addresses.map((address) =>
        endpoints.read("eth_getCode", [address, "latest"], (result) => parseData(result, "code")),
      );
      return (await Promise.all(codes)).map((code) => code !== "0x");
    },

    async chainId() {
      const answers = await Promise.all(endpoints.all.map((endpoint) => endpoint.chainId()));
      const ids = answers.flatMap((answer) => ("value" in answer ? answer.value : []));
      const [first] = ids;
      if (first === undefined) throw endpoints.unavailable("eth_chainId", "no endpoint answers");
      if (ids.some((other) => other !== first))
        throw endpoints.unavailable("eth_chainId", "the endpoints are of several chains");
      return first;
    },

    receipt: (transaction) =>
      endpoints.read("eth_getTransactionReceipt", [transaction], (result) =>
        parseReceiptOf(transaction, result),
      ),

    transaction: (hash) =>
      endpoints.read("eth_getTransactionByHash", [hash], (result) => {
        if (result === null) return undefined;
        const { to, input } = parseObject(result, "transaction");
        return to === null || to === undefined
          ? undefined
          : { to: parseData(to, "address"), data: parseData(input, "input") };
      }),

    nonce: (address, at) =>
      endpoints.read("eth_getTransactionCount", [address, at], (result) =>
        parseNumber(result, "nonce"),
      ),

    balance: (address) =>
      endpoints.read("eth_getBalance", [address, "latest"], (result) =>
        parseQuantity(result, "balance"),
      ),

    logs({ address, topics, fromBlock }) {
      const filter = { address, topics, fromBlock: toQuantity(fromBlock), toBlock: "latest" };
      return endpoints.read(
        "eth_getLogs",
        [filter],
        (result) =>
          parseArray(result, "logs").map((item) => {
            const log = parseObject(item, "log");
            return {
              ...parseLog(log),
              transaction: parseHash(log["transactionHash"], "transaction hash"),
            };
          }),
        "alone",
      );
    },

    async fees() {
      const now = await head();
      return suggestFees(now.baseFeePerGas, await tipAt(now), limits);
    },

    async broadcast(raw) {
      const outcome = await broadcast(endpoints, raw);
      if (outcome === "accepted") watch.nudge();
      return outcome;
    },
    stats: () => endpoints.all.map((endpoint) => endpoint.stats()),
    close() {
      watch.close();
      if (options.post === undefined) post.close?.();
    },
  };
}

/** URLs by what they are for. A bad one is named by its place: the text may hold a key. */
function sortUrls(urls: readonly string[]): {
  http: { url: string; label: string }[];
  ws: string[];
} {
  const http: { url: string; label: string }[] = [];
  const ws: string[] = [];
  for (const [at, url] of urls.entries()) {
    const label = `endpoint ${at + 1}`;
    const protocol = URL.canParse(url) ? new URL(url).protocol : "";
    if (protocol === "http:" || protocol === "https:") http.push({ url, label });
    else if (protocol === "ws:" || protocol === "wss:") ws.push(url);
    else throw new TypeError(`${label} of rpcUrls is not an http, https, ws or wss URL`);
  }
  if (http.length === 0) throw new TypeError("rpcUrls needs at least one http or https URL");
  return { http, ws };
}
