import { readBytes } from "../core/body.ts";
import { X402Error } from "../core/errors.ts";
import { isHex } from "../core/hex.ts";
import { evmChainId, type Network } from "../core/network.ts";
import type { Call, ClientScheme, Hex, StateCall } from "../core/scheme.ts";
import { paymentFate } from "./fate.ts";

/** What a buyer asks a chain. `rpcReader` makes one; anything else that can answer will do. */
export interface PaymentReader {
  /**
   * What became of something that a contract does once and never undoes, and only in blocks before `deadlineSeconds`:
   * `taken` when the call answers yes; `void` when it answers no and no block to come can change it; else `open`, as for a
   * network that is not known.
   *
   * @throws X402Error `rpc_unavailable`.
   */
  fate(
    network: string,
    call: StateCall,
    deadlineSeconds: bigint,
  ): Promise<"taken" | "void" | "open">;
  /**
   * What a call answers at the newest block; nothing when it reverts, and for a network that is not known. Absent: what
   * could be asked before signing is not asked.
   *
   * @throws X402Error `rpc_unavailable`.
   */
  read?(network: string, call: Call): Promise<Hex | undefined>;
  /**
   * What an account's next transaction has to say now; nothing for a network that is not known. Absent: no transactions
   * are signed.
   *
   * @throws X402Error `rpc_unavailable`.
   */
  nextTransaction?(network: string, address: Hex): Promise<NextTransaction | undefined>;
  /** What became of a payment that a buyer signed, see `ClientScheme.fate`. Absent: nobody knows. */
  readonly paymentFate?: NonNullable<ClientScheme["fate"]>;
}

/** Nonce and fees (wei per gas) of a transaction. */
export interface NextTransaction {
  readonly nonce: number;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

export interface RpcReaderOptions {
  /** For one request to one endpoint; default 5000. */
  readonly timeoutMs?: number;
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
}

/** Why an endpoint's answer does not help, without its address and without anything that it said. */
class NoAnswer extends Error {}

type Answer = { readonly result: unknown } | { readonly code: unknown; readonly message: unknown };
type Ask = (method: string, params: readonly unknown[]) => Promise<Answer>;

/** A header with the hashes of all transactions of a very large block. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** Where nothing is called final, the newest block counts when it is past the deadline by this much. */
const UNFINALIZED_MARGIN_SECONDS = 60n;

/**
 * Reads chains over JSON-RPC: `rpcReader({ "eip155:8453": "https://…" })`. Of several endpoints of a chain the first is
 * asked, and the next when it fails; each is asked once whether it is of that chain. No URL is ever in an error's text.
 *
 * @throws TypeError for networks that are no EVM chains, and for URLs that are none.
 */
export function rpcReader(
  urls: Readonly<Record<Network, string | readonly string[]>>,
  options: RpcReaderOptions = {},
): PaymentReader {
  const chains = new Map(
    Object.entries(urls).map(([network, list]) => [
      network,
      [list].flat().map((url, at) => endpoint(network, url, at, options)),
    ]),
  );
  /** Asks one endpoint after the other; nothing for a network that is not known. */
  async function first<T>(network: string, question: (ask: Ask) => Promise<T>) {
    const endpoints = chains.get(network);
    if (endpoints === undefined) return undefined;
    const problems: string[] = [];
    for (const [at, ask] of endpoints.entries()) {
      try {
        return { answer: await question(ask) };
      } catch (error) {
        const problem = error instanceof NoAnswer ? error.message : "its answer cannot be read";
        problems.push(`endpoint ${at + 1}: ${problem}`);
      }
    }
    throw new X402Error(
      "rpc_unavailable",
      `no JSON-RPC endpoint of ${network} answered: ${problems.join("; ")}`,
      { retry: "safe" },
    );
  }
  const reader: PaymentReader = {
    async fate(network, call, deadlineSeconds) {
      const said = await first(network, (ask) => askFate(ask, call, deadlineSeconds));
      return said?.answer ?? "open";
    },
    async read(network, { to, data }) {
      const said = await first(network, async (ask) => {
        const answer = await ask("eth_call", [{ to, data }, "latest"]);
        return "result" in answer ? String(answer.result) : "";
      });
      return said !== undefined && isHex(said.answer) ? said.answer : undefined;
    },
    async nextTransaction(network, address) {
      const said = await first(network, async (ask) => {
        const [count, block, tip] = await Promise.all([
          ask("eth_getTransactionCount", [address, "latest"]),
          ask("eth_getBlockByNumber", ["latest", false]),
          ask("eth_maxPriorityFeePerGas", []),
        ]);
        const { baseFeePerGas } = (resultOf(block) ?? {}) as { baseFeePerGas?: unknown };
        // Not every node has an opinion on tips.
        const maxPriorityFeePerGas = "result" in tip ? quantity(tip.result) : 0n;
        const maxFeePerGas = 2n * quantity(baseFeePerGas) + maxPriorityFeePerGas;
        return { nonce: Number(quantity(resultOf(count))), maxFeePerGas, maxPriorityFeePerGas };
      });
      return said?.answer;
    },
    paymentFate: (payload, payment) => paymentFate(reader, payload, payment),
  };
  return reader;
}

/**
 * The newest block tells of all before it: what is not done by then was not done in the final block either. So no node
 * has to know the state of an old block.
 */
async function askFate(
  ask: Ask,
  call: StateCall,
  deadline: bigint,
): Promise<"taken" | "void" | "open"> {
  const latest = header(resultOf(await ask("eth_getBlockByNumber", ["latest", false])));
  const block = `0x${latest.number.toString(16)}`;
  const state = resultOf(await ask("eth_call", [{ to: call.to, data: call.data }, block]));
  const { mask } = call;
  const expected = mask === undefined ? /^0x0{63}[01]$/ : /^0x[0-9a-f]{64}$/i;
  if (typeof state !== "string" || !expected.test(state))
    throw new NoAnswer(
      `the contract does not answer with a ${mask === undefined ? "bool" : "word"}`,
    );
  if ((BigInt(state) & (mask ?? 1n)) !== 0n) return "taken";
  if (latest.timestamp < deadline) return "open";
  const final = await ask("eth_getBlockByNumber", ["finalized", false]);
  if (hasNoFinality(final)) {
    return latest.timestamp >= deadline + UNFINALIZED_MARGIN_SECONDS ? "void" : "open";
  }
  const { number, timestamp } = header(resultOf(final));
  return timestamp >= deadline && number <= latest.number ? "void" : "open";
}

/** Whether the node says that it has no final block: nothing, invalid parameters, or an unknown block (Geth, Erigon). */
function hasNoFinality(answer: Answer): boolean {
  if ("result" in answer) return answer.result === null;
  return (
    answer.code === -32602 ||
    answer.code === -39001 ||
    /block not found|unknown block/i.test(String(answer.message))
  );
}

function resultOf(answer: Answer): unknown {
  if ("result" in answer) return answer.result;
  throw new NoAnswer("it answers with a JSON-RPC error");
}

function header(block: unknown): { readonly number: bigint; readonly timestamp: bigint } {
  const { number, timestamp } = (block ?? {}) as { number?: unknown; timestamp?: unknown };
  return { number: quantity(number), timestamp: quantity(timestamp) };
}

function quantity(value: unknown): bigint {
  if (typeof value === "string" && /^0x[0-9a-fA-F]{1,16}$/.test(value)) return BigInt(value);
  throw new NoAnswer("it answers with something that is no block");
}

/** One endpoint, which has said that it is of this chain before it is asked anything else. */
function endpoint(network: string, text: string, at: number, options: RpcReaderOptions): Ask {
  const chainId = evmChainId(network);
  if (chainId === undefined) {
    throw new TypeError(`rpcReader: "${network}" is no EVM chain such as "eip155:8453"`);
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new TypeError(`rpcReader: URL ${at + 1} of ${network} is not an http or https URL`);
  }
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (url.username !== "" || url.password !== "") {
    headers["authorization"] =
      `Basic ${btoa(decodeURIComponent(`${url.username}:${url.password}`))}`;
    url.username = url.password = "";
  }
  const { timeoutMs = 5000, fetch = globalThis.fetch } = options;
  let ofThisChain = false;

  async function post(method: string, params: readonly unknown[]): Promise<Answer> {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const signal = AbortSignal.timeout(timeoutMs);
    let answer: unknown;
    try {
      const response = await fetch(url as URL, {
        method: "POST",
        headers,
        body,
        signal,
        redirect: "manual",
      });
      const bytes = await readBytes(response.body, MAX_ANSWER_BYTES);
      answer = JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      throw new NoAnswer(
        signal.aborted ? `no answer in ${timeoutMs} ms` : "no connection, or no JSON",
      );
    }
    const { result, error } = (answer ?? {}) as { result?: unknown; error?: unknown };
    if (typeof error === "object" && error !== null) {
      return error as { code: unknown; message: unknown };
    }
    if (result === undefined) throw new NoAnswer("it answers with something that is no JSON-RPC");
    return { result };
  }

  return async (method, params) => {
    if (!ofThisChain) {
      const id = resultOf(await post("eth_chainId", []));
      if (quantity(id) !== BigInt(chainId)) throw new NoAnswer("it is of another chain");
      ofThisChain = true;
    }
    return await post(method, params);
  };
}
