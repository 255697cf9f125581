/** One JSON-RPC endpoint: its health, what it cannot do, and how often it was asked. */
import { errorClass, isRateLimit } from "./errors.ts";
import type { Failure, HttpPost } from "./http-post.ts";
import { Malformed, parseNumber } from "./quantity.ts";
import { createTransport, type Answer, type Group, type RpcError } from "./transport.ts";

/** What came of asking one endpoint: an answer, an error that is the answer, or a reason to ask another. */
export type Attempt<T> =
  | { readonly value: T }
  | { readonly error: RpcError }
  | { readonly retry: string };

export interface EndpointStats {
  /** `endpoint 1`: never its address. */
  readonly label: string;
  /** JSON-RPC requests by method, and how many of them had no usable answer. */
  readonly methods: Readonly<Record<string, { readonly calls: number; readonly failures: number }>>;
  /** HTTP exchanges that failed, since the last good one. */
  readonly failures: number;
  /** For how long it is put aside from now on. */
  readonly asideMs: number;
  /** Newest block it has told of. */
  readonly head: bigint | undefined;
}

export interface Endpoint {
  readonly label: string;
  /** Asks; never rejects. `parse` may throw `Malformed`. */
  ask<T>(
    method: string,
    params: readonly unknown[],
    parse: (result: unknown) => T,
    group?: Group,
  ): Promise<Attempt<T>>;
  /** Sends a transaction: the bare answer, for only the caller knows what it means. */
  send(raw: string): Promise<Answer>;
  /** Chain id that it reports. */
  chainId(): Promise<Attempt<number>>;
  /** 0 healthy, 1 on probation, 2 put aside, 3 of another chain. */
  state(): 0 | 1 | 2 | 3;
  asideUntilMs(): number;
  lacks(method: string): boolean;
  /** Newest block it has told of. */
  head: bigint | undefined;
  stats(): EndpointStats;
}

const ASIDE_MS = 500;
const MAX_ASIDE_MS = 60_000;
/** How long a method that an endpoint does not have is not asked of it again. */
const LACK_MEMORY_MS = 10 * 60_000;

export interface EndpointOptions {
  readonly label: string;
  readonly url: string;
  readonly chainId: number;
  readonly post: HttpPost;
  readonly timeoutMs: number;
}

export function createEndpoint(options: EndpointOptions): Endpoint {
  const { label } = options;
  const methods: Record<string, { calls: number; failures: number }> = {};
  const lacking = new Map<string, number>();
  let failures = 0;
  let asideUntilMs = 0;
  let probing = false;
  let verified: Promise<"same" | "other" | "unknown"> | undefined;
  let otherChain = false;

  const putAside = (retryAfterMs = 0): void => {
    const nowMs = Date.now();
    // What fails while it is aside was under way before, or is a desperate try: that says nothing new.
    if (asideUntilMs > nowMs && retryAfterMs === 0) return;
    const ms = Math.min(
      Math.max(ASIDE_MS * 2 ** Math.min(failures, 10), retryAfterMs),
      MAX_ASIDE_MS,
    );
    failures += 1;
    asideUntilMs = nowMs + ms;
  };

  const transport = createTransport({
    ...options,
    onExchange: (failure: Failure | undefined) => {
      if (failure !== undefined) putAside(failure.retryAfterMs);
      else if (Date.now() >= asideUntilMs) failures = 0;
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
    if ("failure" in answer) count.failures += 1;
    else if ("error" in answer && isRateLimit(answer.error)) {
      count.failures += 1;
      putAside();
    }
    return answer;
  }

  async function ask<T>(
    method: string,
    params: readonly unknown[],
    parse: (result: unknown) => T,
    group?: Group,
  ): Promise<Attempt<T>> {
    const answer = await request(method, params, group);
    if ("failure" in answer) return { retry: answer.failure.detail };
    if ("result" in answer) {
      try {
        return { value: parse(answer.result) };
      } catch (error) {
        if (!(error instanceof Malformed)) throw error;
        methods[method]!.failures += 1;
        return { retry: error.message };
      }
    }
    const kind = errorClass(answer.error);
    if (kind === "reverted" || kind === "invalid") return answer;
    if (kind === "unsupported") lacking.set(method, Date.now());
    return { retry: `${kind} (code ${answer.error.code})` };
  }

  const chainId = (): Promise<Attempt<number>> =>
    ask("eth_chainId", [], (result) => parseNumber(result, "chain id"));

  /** Once an endpoint: one of another chain would answer, and all of it would be wrong. */
  async function verify(): Promise<"same" | "other" | "unknown"> {
    const id = await chainId();
    if (!("value" in id)) return "unknown";
    otherChain = id.value !== options.chainId;
    return otherChain ? "other" : "same";
  }

  async function ofThisChain(): Promise<"same" | "other" | "unknown"> {
    const outcome = await (verified ??= verify());
    if (outcome === "unknown") verified = undefined;
    return outcome;
  }

  /** A real request should not have to find out whether an endpoint is back. */
  async function probe(): Promise<void> {
    if (probing) return;
    probing = true;
    await chainId();
    probing = false;
  }

  return {
    label,
    head: undefined,
    chainId,
    async ask(method, params, parse, group) {
      const chain = verified === undefined || otherChain ? await ofThisChain() : await verified;
      if (chain === "same") return ask(method, params, parse, group);
      return { retry: chain === "other" ? "is of another chain" : "chain id unknown" };
    },
    async send(raw) {
      const chain = await ofThisChain();
      if (chain === "same") return request("eth_sendRawTransaction", [raw], "send");
      const detail = chain === "other" ? "is of another chain" : "chain id unknown";
      return { failure: { kind: "connection", sent: false, detail } };
    },
    state() {
      if (otherChain) return 3;
      if (asideUntilMs > Date.now()) return 2;
      if (failures === 0) return 0;
      void probe();
      return 1;
    },
    asideUntilMs: () => asideUntilMs,
    lacks(method) {
      const since = lacking.get(method);
      if (since === undefined) return false;
      if (Date.now() - since < LACK_MEMORY_MS) return true;
      lacking.delete(method);
      return false;
    },
    stats() {
      return {
        label,
        methods: structuredClone(methods),
        failures,
        asideMs: Math.max(0, asideUntilMs - Date.now()),
        head: this.head,
      };
    },
  };
}
