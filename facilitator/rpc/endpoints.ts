/** Several endpoints of one chain: which is asked, and which next when that fails. */
import { X402Error } from "../../src/core/errors.ts";
import type { Network } from "../../src/core/network.ts";
import type { Attempt, Endpoint } from "./endpoint.ts";
import type { Group, RpcError } from "./transport.ts";

export interface RetryOptions {
  /** How often a read is tried in all, on any endpoint. Default 3; at least once on each. */
  readonly attempts?: number;
  /** Milliseconds before all endpoints are tried once more; doubles each time, up to 400. Default 50. */
  readonly delayMs?: number;
}

/** An answer, or an error that is one: a call that fails, or a request that is wrong. */
export type Outcome<T> = { readonly value: T } | { readonly error: RpcError };

export interface Endpoints {
  readonly all: readonly Endpoint[];
  /** All of them, the best first; those that lack the method left out, if one is given. */
  order(method?: string): readonly Endpoint[];
  /** @throws X402Error `rpc_unavailable` */
  ask<T>(
    method: string,
    params: readonly unknown[],
    parse: (result: unknown) => T,
    group?: Group,
  ): Promise<Outcome<T>>;
  /** The same where an error is no answer. */
  read<T>(
    method: string,
    params: readonly unknown[],
    parse: (result: unknown) => T,
    group?: Group,
  ): Promise<T>;
  /** Tries endpoints one after the other until one of them has an answer. @throws X402Error `rpc_unavailable` */
  attempt<T>(
    what: string,
    run: (endpoint: Endpoint) => Promise<Attempt<T>>,
    leastAttempts?: number,
  ): Promise<Outcome<T>>;
  /** What an error is where it is no answer. */
  unavailable(what: string, why: string): X402Error;
  /** Number of the newest block that any endpoint told of. */
  newest(): bigint | undefined;
}

export interface EndpointsOptions {
  readonly network: Network;
  readonly timeoutMs: number;
  readonly retry?: RetryOptions | undefined;
}

const MAX_DELAY_MS = 400;
/** Without these, an endpoint can still be asked for everything else. One that "lacks" another method is only ill. */
const OPTIONAL: ReadonlySet<string> = new Set(["eth_maxPriorityFeePerGas"]);
const RANK = { good: 0, probation: 2, aside: 4 } as const;

export function createEndpoints(all: readonly Endpoint[], options: EndpointsOptions): Endpoints {
  const { network, timeoutMs, retry } = options;
  const usualAttempts = Math.max(retry?.attempts ?? 3, all.length);
  const delayMs = retry?.delayMs ?? 50;
  const probing = new Set<Endpoint>();

  const unavailable = (what: string, why: string): X402Error =>
    new X402Error("rpc_unavailable", `${what} failed on ${network}: ${why}`, { retry: "safe" });

  function newest(): bigint | undefined {
    let highest: bigint | undefined;
    for (const endpoint of all) {
      const head = endpoint.head();
      if (head !== undefined && (highest === undefined || head > highest)) highest = head;
    }
    return highest;
  }

  /** Finds out whether an endpoint is back, so that no real request has to wait for that. */
  async function probe(endpoint: Endpoint): Promise<void> {
    if (probing.has(endpoint)) return;
    probing.add(endpoint);
    await endpoint.latest();
    probing.delete(endpoint);
  }

  function rank(endpoint: Endpoint, head: bigint | undefined): number {
    if (endpoint.isOfAnotherChain()) return 8;
    const state = endpoint.health.state();
    if (state === "probation") void probe(endpoint);
    return RANK[state] + (endpoint.lags(head) ? 1 : 0);
  }

  function order(method?: string): readonly Endpoint[] {
    const able =
      method !== undefined && OPTIONAL.has(method)
        ? all.filter((endpoint) => !endpoint.lacks(method))
        : all;
    if (able.length < 2) return able;
    const head = newest();
    return able
      .map((endpoint) => ({ endpoint, rank: rank(endpoint, head) }))
      .toSorted((a, b) => a.rank - b.rank)
      .map(({ endpoint }) => endpoint);
  }

  async function attempt<T>(
    what: string,
    run: (endpoint: Endpoint) => Promise<Attempt<T>>,
    leastAttempts = 0,
  ): Promise<Outcome<T>> {
    const startMs = Date.now();
    // After one time-out there is another try, after two there is none.
    const patience = (): number => 1.5 * timeoutMs - (Date.now() - startMs);
    const reasons: string[] = [];
    let left = Math.max(usualAttempts, leastAttempts);
    let pauseMs = delayMs;
    for (;;) {
      const candidates = order(what);
      const willing = candidates.filter(({ health }) => health.limitedUntilMs() <= Date.now());
      for (const endpoint of willing) {
        if (left-- === 0 || (reasons.length > 0 && patience() <= 0)) break;
        const outcome = await run(endpoint);
        if (!("retry" in outcome)) return outcome;
        reasons.push(`${endpoint.label}: ${outcome.retry}`);
      }
      if (candidates.length === 0 || left <= 0) break;
      const limitMs =
        willing.length > 0
          ? 0
          : Math.min(...candidates.map(({ health }) => health.limitedUntilMs())) - Date.now();
      const waitMs = Math.max(pauseMs, limitMs);
      if (waitMs > patience()) break;
      await sleep(waitMs);
      pauseMs = Math.min(pauseMs * 2, MAX_DELAY_MS);
    }
    throw unavailable(what, summary(reasons) || "no endpoint can be asked now");
  }

  const ask: Endpoints["ask"] = (method, params, parse, group) =>
    attempt(method, (endpoint) => endpoint.ask(method, params, parse, group));

  return {
    all,
    newest,
    order,
    unavailable,
    attempt,
    ask,
    async read(method, params, parse, group) {
      const answer = await ask(method, params, parse, group);
      if ("value" in answer) return answer.value;
      throw unavailable(method, `refused (code ${answer.error.code})`);
    },
  };
}

/** Reasons in order; the same one in a row once. */
const summary = (reasons: readonly string[]): string =>
  reasons.filter((reason, at) => reason !== reasons[at - 1]).join("; ");

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
