import { createClient, http, keccak256, RpcRequestError, type LocalAccount } from "viem";
import { X402Error } from "../src/core/errors.ts";
import { evmChainId, type Network } from "../src/core/network.ts";
import type { ChainReader, Hex, Log, SettlementCall } from "../src/core/scheme.ts";
import { classifyBroadcastError, isExecutionError, type BroadcastOutcome } from "./rpc-errors.ts";

export interface Fees {
  /** Wei per gas. */
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

export interface SignedTransaction {
  readonly hash: Hex;
  readonly raw: Hex;
  readonly nonce: number;
}

export interface Receipt {
  readonly success: boolean;
  readonly block: bigint;
  readonly logs: readonly Log[];
}

/** A chain with one key that settles there. All of its methods throw `rpc_unavailable` when no node answers. */
export interface EvmChain extends ChainReader {
  readonly network: Network;
  readonly signer: Hex;
  blockNumber(): Promise<bigint>;
  /** Chain id that the node reports; a wrong one is a wrong URL. */
  chainId(): Promise<number>;
  /** The signer's next nonce: with what waits in the pool, or after the latest block only. */
  nonce(at: "pending" | "latest"): Promise<number>;
  fees(): Promise<Fees>;
  sign(call: SettlementCall, nonce: number, fees: Fees): Promise<SignedTransaction>;
  /** Never throws: what is not known is `unknown`. */
  broadcast(raw: Hex): Promise<BroadcastOutcome>;
  /** Nothing when the transaction is not in a block. */
  receipt(hash: Hex): Promise<Receipt | undefined>;
}

export interface EvmChainOptions {
  readonly network: Network;
  readonly rpcUrl: string;
  /** The key that pays the gas, a viem account. It should own nothing but gas. */
  readonly account: LocalAccount;
  readonly timeoutMs?: number;
}

const MIN_PRIORITY_FEE = 1_000_000n;

/** A chain over JSON-RPC. @throws TypeError for a network that is no EVM chain. */
export function evmChain(options: EvmChainOptions): EvmChain {
  const { network, account } = options;
  const id = evmChainId(network);
  if (id === undefined)
    throw new TypeError(`network "${network}" is not an EVM chain such as "eip155:8453"`);
  const client = createClient({
    transport: http(options.rpcUrl, {
      timeout: options.timeoutMs ?? 5000,
      retryCount: 0,
      batch: { wait: 0 },
    }),
  });

  async function request<T>(method: string, params: readonly unknown[]): Promise<T> {
    try {
      return (await client.request({ method, params } as never)) as T;
    } catch (cause) {
      throw new X402Error("rpc_unavailable", `${method} failed on ${network}`, {
        retry: "safe",
        cause,
      });
    }
  }

  return {
    network,
    signer: account.address,

    async call({ to, data, from, gas }) {
      const transaction = { to, data, ...(from && { from }), ...(gas && { gas: toHex(gas) }) };
      try {
        return { ok: true, data: await request<Hex>("eth_call", [transaction, "latest"]) };
      } catch (error) {
        const rpcError = findRpcError(error);
        if (rpcError === undefined || !isExecutionError(rpcError.code, rpcError.details))
          throw error;
        return { ok: false, data: "0x" };
      }
    },
    code: (address) => request<Hex>("eth_getCode", [address, "latest"]),
    blockNumber: async () => BigInt(await request<Hex>("eth_blockNumber", [])),
    chainId: async () => Number(await request<Hex>("eth_chainId", [])),
    nonce: async (at) =>
      Number(await request<Hex>("eth_getTransactionCount", [account.address, at])),

    async fees() {
      const [block, tip] = await Promise.all([
        request<{ baseFeePerGas?: Hex }>("eth_getBlockByNumber", ["latest", false]),
        request<Hex>("eth_maxPriorityFeePerGas", []).catch(() => toHex(MIN_PRIORITY_FEE)),
      ]);
      const maxPriorityFeePerGas = BigInt(tip) > MIN_PRIORITY_FEE ? BigInt(tip) : MIN_PRIORITY_FEE;
      return {
        maxPriorityFeePerGas,
        maxFeePerGas: 2n * BigInt(block.baseFeePerGas ?? 0) + maxPriorityFeePerGas,
      };
    },

    async sign(call, nonce, fees) {
      const raw = await account.signTransaction({
        type: "eip1559",
        chainId: id,
        nonce,
        to: call.to,
        data: call.data,
        gas: call.gasLimit,
        ...fees,
      });
      return { raw, hash: keccak256(raw), nonce };
    },

    async broadcast(raw) {
      try {
        await request<Hex>("eth_sendRawTransaction", [raw]);
        return "accepted";
      } catch (error) {
        const rpcError = findRpcError(error);
        return rpcError === undefined ? "unknown" : classifyBroadcastError(rpcError.details);
      }
    },

    async receipt(hash) {
      const receipt = await request<RpcReceipt | null>("eth_getTransactionReceipt", [hash]);
      if (receipt === null) return undefined;
      return {
        success: receipt.status === "0x1",
        block: BigInt(receipt.blockNumber),
        logs: receipt.logs,
      };
    },
  };
}

interface RpcReceipt {
  readonly status: Hex;
  readonly blockNumber: Hex;
  readonly logs: readonly Log[];
}

const toHex = (value: bigint): Hex => `0x${value.toString(16)}`;

/** The node's own error inside what the RPC client threw. */
function findRpcError(error: unknown): RpcRequestError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof RpcRequestError) return cause;
  }
  return undefined;
}
