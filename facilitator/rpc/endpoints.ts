/** Several endpoints of one chain: who is asked, and who next when that fails. */
import { X402Error } from "../../src/core/errors.ts";
import type { Network } from "../../src/core/network.ts";
import type { Attempt, Endpoint } from "./endpoint.ts";
import { broadcastOutcome, type BroadcastOutcome } from "./errors.ts";
import type { Group, RpcError } from "./transport.ts";

export interface RetryOptions {
  /** How often a read is tried in all, on any endpoint. Default 3, at least once each. */
  readonly attempts?: number;
  /** Milliseconds before all endpoints are tried once more; doubles. Default 50. */
  readonly delayMs?: number;
}

export interface Endpoints {
  readonly all: readonly Endpoint[];
  /** An answer, or an error that is one: a revert, or a request that is wrong. @throws X402Error `rpc_unavailable` */
  ask<T>(
    method: string,
    params: readonly unknown[],
    parse: (result: unknown) => T,
    group?: Group,
  ): Promise<{ readonly value: T } | { readonly error: RpcError }>;
  /** The same where an error is none. */
  read<T>(
    method: string,
    params: readonly unknown[],
    parse: (result: unknown) => T,
    group?: Group,
  ): Promise<T>;
  /** Tries endpoints one after the other until one of them has an answer. */
  attempt<T>(
    what: string,
    run: (endpoint: Endpoint) => Promise<Attempt<T>>,
  ): Promise<{ readonly value: T } | { readonly error: RpcError }>;
  broadcast(raw: string): Promise<BroadcastOutcome>;
  /** The newest block that any endpoint told of. */
  newest(): bigint | undefined;
}

/** An endpoint that is so many blocks behind others is asked after them. */
const BEHIND = 3n;
/** One that is so far behind is no fork but a node that stands still. */
export const STALE = 64n;

export interface EndpointsOptions {
  readonly network: Network;
  readonly timeoutMs: number;
  readonly retry: RetryOptions | undefined;
}

export function createEndpoints(all: readonly Endpoint[], options: EndpointsOptions): Endpoints {
  const { network, timeoutMs, retry } = options;
  const attempts = Math.max(retry?.attempts ?? 3, all.length);
  const delayMs = retry?.delayMs ?? 50;

  const unavailable = (what: string, why: string): X402Error =>
    new X402Error("rpc_unavailable", `${what} failed on ${network}: ${why}`, { retry: "safe" });

  function newest(): bigint | undefined {
    let head: bigint | undefined;
    for (const endpoint of all)
      if (endpoint.head !== undefined && (head === undefined || endpoint.head > head))
        head = endpoint.head;
    return head;
  }

  /** All that may be asked, best first: healthy ones that keep up, in the order in which they were given. */
  function order(method?: string): readonly Endpoint[] {
    if (all.length === 1) return all;
    const head = newest();
    const lag = ({ head: own }: Endpoint): number =>
      head === undefined || own === undefined || head - own <= BEHIND ? 0 : 1;
    const states = all
      .filter((endpoint) => method === undefined || !endpoint.lacks(method))
      .map((endpoint, at) => ({ endpoint, at, rank: 2 * endpoint.state() + lag(endpoint) }));
    states.sort((a, b) => a.rank - b.rank || a.at - b.at);
    return states.map(({ endpoint }) => endpoint);
  }

  async function attempt<T>(
    what: string,
    run: (endpoint: Endpoint) => Promise<Attempt<T>>,
  ): Promise<{ readonly value: T } | { readonly error: RpcError }> {
    const startMs = Date.now();
    const reasons: string[] = [];
    let wait = delayMs;
    for (let left = attempts; left > 0;) {
      const candidates = order(what);
      if (candidates.length === 0) break;
      for (const endpoint of candidates.slice(0, left)) {
        // So a read takes twice the time-out at the very most.
        if (reasons.length > 0 && Date.now() - startMs >= timeoutMs) {
          left = 0;
          break;
        }
        left -= 1;
        const outcome = await run(endpoint);
        if (!("retry" in outcome)) return outcome;
        reasons.push(`${endpoint.label}: ${outcome.retry}`);
      }
      if (left <= 0) break;
      await sleep(wait);
      wait *= 2;
    }
    throw unavailable(what, reasons.join("; ") || "no endpoint has it");
  }

  const ask: Endpoints["ask"] = (method, params, parse, group) =>
    attempt(method, (endpoint) => endpoint.ask(method, params, parse, group));

  return {
    all,
    newest,
    attempt,
    ask,
    async read(method, params, parse, group) {
      const answer = await ask(method, params, parse, group);
      if ("value" in answer) return answer.value;
      throw unavailable(method, `refused (code ${answer.error.code})`);
    },
    async broadcast(raw) {
      let definite: BroadcastOutcome | undefined;
      let unknown = false;
      for (const endpoint of order("eth_sendRawTransaction")) {
        const answer = await endpoint.send(raw);
        if ("result" in answer && isHash(answer.result)) return "accepted";
        if ("failure" in answer) {
          unknown ||= answer.failure.sent;
          continue;
        }
        const outcome = "error" in answer ? broadcastOutcome(answer.error) : "unknown";
        if (outcome === "accepted") return outcome;
        if (outcome === "unknown") unknown = true;
        else definite ??= outcome;
        // A refusal stands when nobody before may have taken it.
        if (definite !== undefined && !unknown) return definite;
      }
      return "unknown";
    },
  };
}

const isHash = (value: unknown): boolean =>
  typeof value === "string" && /^0x[0-9a-fA-F]{64}$/.test(value);

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
