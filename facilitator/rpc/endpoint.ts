/** One JSON-RPC endpoint: what it answers, how well, and what it does not have. */
import type { Head } from "../chain.ts";
import { errorClass, isRateLimit, publicMessage } from "./errors.ts";
import { parseHead } from "./header.ts";
import { createHealth, type Health } from "./health.ts";
import type { HttpPost } from "./http-post.ts";
import { Malformed, parseNumber } from "./quantity.ts";
import { createTransport, type Answer, type Group, type RpcError } from "./transport.ts";

/** What came of asking one endpoint: an answer, an error that is the answer, or why another should be asked. */
export type Attempt<T> =
  | { readonly value: T }
  | { readonly error: RpcError }
  | { readonly retry: string; readonly refused?: true };

export interface EndpointStats {
  /** `endpoint 1`: never its address. */
  readonly label: string;
  /** JSON-RPC requests by method, and how many of them had no usable answer. */
  readonly methods: Readonly<Record<string, { readonly calls: number; readonly failures: number }>>;
  readonly httpRequests: number;
  /** Failures since the last success. */
  readonly failures: number;
  /** For how long from now on others are preferred. */
  readonly asideMs: number;
  /** Newest block that it told of. */
  readonly head: bigint | undefined;
}

export interface Endpoint {
  readonly label: string;
  readonly health: Pick<Health, "state" | "limitedUntilMs">;
  /** Never rejects. `parse` may throw `Malformed`. */
  ask<T>(
    method: string,
    params: readonly unknown[],
    parse: (result: unknown) => T,
    group?: Group,
  ): Promise<Attempt<T>>;
  /** Its newest head. */
  latest(): Promise<Attempt<Head>>;
  /** Number of the newest head that it told of. */
  head(): bigint | undefined;
  /** Whether it told not long ago of an older head than others had. */
  lags(newest: bigint | undefined): boolean;
  /** Sends a transaction. Only the caller knows what the answer means. */
  send(raw: string): Promise<Answer>;
  /** Chain id that it reports. */
  chainId(): Promise<Attempt<number>>;
  isOfAnotherChain(): boolean;
  /** Whether it said that it has no such method, not long ago. */
  lacks(method: string): boolean;
  /** Remembers that it cannot do something. */
  lack(what: string): void;
  stats(): EndpointStats;
}

export interface EndpointOptions {
  readonly label: string;
  readonly url: string;
  readonly chainId: number;
  readonly post: HttpPost;
  readonly timeoutMs: number;
}

/** Blocks that an endpoint may be behind others. */
const TOLERATED_LAG = 3n;
/** After that it may have caught up. */
const LAG_MEMORY_MS = 10_000;
/** Answers in a row that are none. */
const MAX_MISSES = 5;
/** After that it may have been upgraded. */
const LACK_MEMORY_MS = 10 * 60_000;

type Verdict = "same" | "other" | "unknown";

export function createEndpoint(options: EndpointOptions): Endpoint {
  const { label } = options;
  const health = createHealth();
  const methods: Record<string, { calls: number; failures: number }> = {};
  const lacking = new Map<string, number>();
  let httpRequests = 0;
  let misses = 0;
  let head: { readonly number: bigint; readonly atMs: number } | undefined;
  let verdict: Promise<Verdict> | undefined;
  let otherChain = false;

  const transport = createTransport({
    ...options,
    onExchange(failure) {
      httpRequests += 1;
      if (failure === undefined) health.worked();
      else health.failed(failure.kind === "rate_limited", failure.retryAfterMs);
    },
  });

  async function request(
    method: string,
    params: readonly unknown[],
    group?: Group,
  ): Promise<Answer> {
    const count = (methods[method] ??= { calls: 0, failures: 0 });
    count.calls += 1;
    const answer = await transport.request(method, params, group);
    const limited = "error" in answer && isRateLimit(answer.error);
    if ("failure" in answer || limited) count.failures += 1;
    if (limited) health.failed(true);
    return answer;
  }

  /** It answers, but never what was asked: one that is ill. */
  function miss<A>(answer: A): A {
    misses += 1;
    if (misses % MAX_MISSES === 0) health.failed(false);
    return answer;
  }

  async function askAnyway<T>(
    method: string,
    params: readonly unknown[],
    parse: (result: unknown) => T,
    group?: Group,
  ): Promise<Attempt<T>> {
    const answer = await request(method, params, group);
    if ("failure" in answer) return { retry: answer.failure.detail };
    if ("result" in answer) {
      try {
        const value = parse(answer.result);
        misses = 0;
        return { value };
      } catch (error) {
        if (!(error instanceof Malformed)) throw error;
        methods[method]!.failures += 1;
        return miss({ retry: error.message });
      }
    }
    const kind = errorClass(answer.error);
    if (kind === "reverted" || kind === "invalid") return answer;
    const refusal = { retry: `${kind}, ${publicMessage(answer.error)}`, refused: true } as const;
    if (kind === "retryable") return miss(refusal);
    if (kind === "unsupported") lacking.set(method, Date.now());
    return refusal;
  }

  const chainId = (): Promise<Attempt<number>> =>
    askAnyway("eth_chainId", [], (result) => parseNumber(result, "chain id"));

  async function verify(): Promise<Verdict> {
    const id = await chainId();
    if (!("value" in id)) return "unknown";
    otherChain = id.value !== options.chainId;
    return otherChain ? "other" : "same";
  }

  /** Found out before anything else is asked: an endpoint of another chain would answer, and all of it wrong. */
  async function objection(): Promise<string | undefined> {
    const found = await (verdict ??= verify());
    if (found === "same") return undefined;
    if (found === "unknown") verdict = undefined;
    return found === "unknown" ? "chain id unknown" : "is of another chain";
  }

  const ask: Endpoint["ask"] = async (method, params, parse, group) => {
    const why = await objection();
    return why === undefined ? askAnyway(method, params, parse, group) : { retry: why };
  };

  return {
    label,
    health,
    chainId,
    ask,
    async latest() {
      const answer = await ask("eth_getBlockByNumber", ["latest", false], parseHead);
      if ("value" in answer) head = { number: answer.value.number, atMs: Date.now() };
      return answer;
    },
    head: () => head?.number,
    lags(newest) {
      if (head === undefined || newest === undefined) return false;
      return head.number + TOLERATED_LAG < newest && Date.now() - head.atMs < LAG_MEMORY_MS;
    },
    async send(raw) {
      const detail = await objection();
      return detail === undefined
        ? request("eth_sendRawTransaction", [raw], "send")
        : { failure: { kind: "connection", sent: false, detail } };
    },
    isOfAnotherChain: () => otherChain,
    lacks: (method) => Date.now() - (lacking.get(method) ?? -Infinity) < LACK_MEMORY_MS,
    lack: (what) => void lacking.set(what, Date.now()),
    stats: () => ({
      label,
      methods: structuredClone(methods),
      httpRequests,
      failures: health.failures(),
      asideMs: Math.max(0, health.asideUntilMs() - Date.now()),
      head: head?.number,
    }),
  };
}
