/** Chance with a seed, and faults by it. */
import type { RpcFault, RpcFaultFunction } from "../../src/testing/index.ts";

/** Numbers from 0 up to 1; the same for the same seed. */
export function createRandom(seed: number) {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    /** A whole number from `from` to `to`. */
    int: (from: number, to: number): number => from + Math.floor(next() * (to - from + 1)),
    pick: <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)]!,
  };
}

export type Random = ReturnType<typeof createRandom>;

/** Longer than a replica of the storm waits for a node. */
export const RPC_TIMEOUT_MS = 600;

/** Requests fail at this rate, in every way that a node can; `counts` says in which, how often. */
export function createRpcStorm(random: Random, rate: number) {
  const counts: Record<string, number> = {};
  const heads: unknown[] = [];
  const nonces = new Map<string, unknown>();
  let calm = false;

  const faults: Record<string, () => RpcFault> = {
    before: () => ({ drop: "before" }),
    after: () => ({ drop: "after" }),
    timeout: () => ({ delayMs: RPC_TIMEOUT_MS * 1.5 }),
    slow: () => ({ delayMs: RPC_TIMEOUT_MS / 3 }),
    limited: () => ({ status: 429, headers: { "retry-after": "0.2" } }),
    broken: () => ({ status: 500, body: "internal server error" }),
    html: () => ({ status: 200, body: "<html><h1>Welcome to nginx!</h1></html>" }),
    refused: () => ({ error: { code: -32603, message: "internal error" } }),
  };

  const intercept: RpcFaultFunction = async ({ method, params }, forward) => {
    const [first, second] = params as unknown[];
    const isHead = method === "eth_getBlockByNumber" && first === "latest";
    const isNonce = method === "eth_getTransactionCount";
    const name = `${String(first)} ${String(second)}`;
    const fault =
      calm || random.next() >= rate ? undefined : random.pick([...Object.keys(faults), "stale"]);
    if (fault !== undefined) counts[fault] = (counts[fault] ?? 0) + 1;
    if (fault === "stale") {
      if (isHead && heads.length > 0) return { result: heads[0] };
      if (isNonce && nonces.has(name)) return { result: nonces.get(name) };
      if (method === "eth_getTransactionReceipt") return { result: null };
      if (method === "eth_getLogs") return { result: [] };
      return undefined;
    }
    if (isHead || isNonce) {
      const answer = await forward();
      if (isNonce && "result" in answer) nonces.set(name, answer.result);
      if (isHead && "result" in answer) heads.push(answer.result);
      if (heads.length > 20) heads.shift();
    }
    return fault === undefined ? undefined : faults[fault]!();
  };
  return { intercept, counts, endStorm: () => void (calm = true) };
}
