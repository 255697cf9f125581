/** A JSON-RPC request that arrived at the proxy, alone or in a batch. */
export type RpcRequest = {
  readonly method: string;
  readonly params: unknown;
  readonly id: unknown;
};

/** A JSON-RPC error object. */
export type RpcError = { readonly code: number; readonly message: string; readonly data?: unknown };

/** The answer of the chain to one request. */
export type RpcAnswer = { readonly result: unknown } | { readonly error: RpcError };

/**
 * What to do with a request instead of forwarding it. All kinds may have `delayMs`, by which the
 * HTTP answer is held back; alone it means: forward, then wait.
 * - `result` or `error`: answer so, without asking the chain.
 * - `status` and `body`: a raw HTTP answer to the whole HTTP request, nothing of it forwarded.
 * - `drop`: destroy the socket; "before" nothing of the HTTP request was forwarded, "after" all of
 *   it was: the effect happened, and the answer is lost.
 */
export type RpcFault = { readonly delayMs?: number } & (
  | RpcAnswer
  | { readonly status: number; readonly body?: string; readonly headers?: Record<string, string> }
  | { readonly drop: "before" | "after" }
  | { readonly delayMs: number }
);

/**
 * Decides about every JSON-RPC request, also inside a batch. Nothing means: forward. `forward` asks
 * the chain now, at most once, for an answer that the fault may change or hold back.
 */
export type RpcFaultFunction = (
  request: RpcRequest,
  forward: () => Promise<RpcAnswer>,
) => RpcFault | undefined | void | Promise<RpcFault | undefined | void>;
