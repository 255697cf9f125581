/** JSON-RPC over HTTP to one endpoint: batches, ids, bounds. Says what came back, not what it means. */
import type { Failure, HttpAnswer, HttpPost } from "./http-post.ts";
import { isRateLimit } from "./errors.ts";

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

export type Answer =
  | { readonly result: unknown }
  | { readonly error: RpcError }
  | { readonly failure: Failure };

/**
 * What may share a batch: reads with reads, transactions with transactions in their order, large answers with none, nor
 * what strangers may make large: `untrusted`.
 */
export type Group = "read" | "send" | "alone" | "untrusted";

export interface Transport {
  /** Never rejects. Requests of one turn of the event loop travel together. */
  request(method: string, params: readonly unknown[], group?: Group): Promise<Answer>;
}

export interface TransportOptions {
  readonly url: string;
  readonly post: HttpPost;
  readonly timeoutMs: number;
  /** Hears of every HTTP exchange: of what went wrong, or of nothing. */
  readonly onExchange?: (failure: Failure | undefined) => void;
}

interface Call {
  readonly id: number;
  readonly body: string;
  readonly resolve: (answer: Answer) => void;
}

/** More than any honest call answers. */
const MAX_UNTRUSTED_BYTES = 64 * 1024;
/** An endpoint can do nothing for a call that answers too much: that is the call's failure, as if it had reverted. */
const TOO_LARGE: Answer = { error: { code: 3, message: "execution reverted: answer too large" } };
const MAX_BATCH = 100;
/** After a refused batch, and after one more. */
const SMALLER_BATCHES = [10, 1];
/** How long an endpoint that refused batches gets smaller ones. */
const BATCH_MEMORY_MS = 10 * 60_000;

/** Runs what everything in this turn of the event loop has asked for; waits for nothing else. */
const soon: (run: () => void) => void =
  typeof setImmediate === "function" ? (run) => void setImmediate(run) : queueMicrotask;

export function createTransport(options: TransportOptions): Transport {
  const { url, post, timeoutMs, onExchange } = options;
  const queues: Record<"read" | "send", Call[]> = { read: [], send: [] };
  let nextId = 1;
  let maxBatch = MAX_BATCH;
  let batchRefusedAtMs = 0;

  async function exchange(calls: readonly Call[], maxBytes?: number): Promise<void> {
    const body = calls.length === 1 ? calls[0]!.body : `[${calls.map((call) => call.body).join()}]`;
    let answer: HttpAnswer | Failure;
    try {
      answer = await post(url, body, timeoutMs, maxBytes);
    } catch {
      answer = { kind: "connection", sent: true, detail: "connection failed" };
    }
    if (maxBytes !== undefined && "kind" in answer && answer.tooLarge) {
      for (const call of calls) call.resolve(TOO_LARGE);
      onExchange?.(undefined);
      return;
    }
    const parsed = "text" in answer ? parseAnswer(answer) : { failure: answer };
    if (calls.length > 1 && "messages" in parsed && isBatchRefusal(parsed, calls.length)) {
      maxBatch = SMALLER_BATCHES.find((size) => size < calls.length)!;
      batchRefusedAtMs = Date.now();
      send(calls);
      return;
    }
    const failure = "failure" in parsed ? parsed.failure : settleAll(calls, parsed);
    if ("failure" in parsed) for (const call of calls) call.resolve({ failure: parsed.failure });
    onExchange?.(failure);
  }

  function send(calls: readonly Call[]): void {
    if (maxBatch < MAX_BATCH && Date.now() - batchRefusedAtMs > BATCH_MEMORY_MS)
      maxBatch = MAX_BATCH;
    for (let i = 0; i < calls.length; i += maxBatch) void exchange(calls.slice(i, i + maxBatch));
  }

  return {
    request: (method, params, group = "read") =>
      new Promise((resolve) => {
        const id = nextId++;
        const body = JSON.stringify({ jsonrpc: "2.0", id, method, params });
        const call = { id, body, resolve };
        if (group === "alone" || group === "untrusted") {
          void exchange([call], group === "untrusted" ? MAX_UNTRUSTED_BYTES : undefined);
          return;
        }
        const queue = queues[group];
        if (queue.push(call) === 1) soon(() => send(queue.splice(0)));
      }),
  };
}

/** What the other side said: one message, or a list of them. */
interface Messages {
  readonly status: number;
  readonly messages: readonly Message[];
  readonly list: boolean;
}

interface Message {
  readonly id: unknown;
  readonly answer: Answer;
}

function parseAnswer(answer: HttpAnswer): Messages | { readonly failure: Failure } {
  const { status, text } = answer;
  if (status === 429) {
    const retryAfterMs = parseRetryAfter(answer.retryAfter);
    return { failure: { kind: "rate_limited", sent: true, detail: "HTTP 429", retryAfterMs } };
  }
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // Not JSON: a gateway's page.
  }
  const list = Array.isArray(body);
  const messages = (list ? (body as unknown[]) : [body]).flatMap((item) => parseMessage(item));
  const ok = status >= 200 && status < 300;
  // Some nodes answer an erroneous request with its JSON-RPC error and a status of 4xx or 5xx.
  if (messages.length > 0 || isRefusal(status)) return { status, messages, list };
  const retryAfterMs = parseRetryAfter(answer.retryAfter);
  return ok
    ? { failure: { kind: "malformed", sent: true, detail: "not a JSON-RPC answer" } }
    : { failure: { kind: "http", sent: true, detail: `HTTP ${status}`, retryAfterMs } };
}

function parseMessage(item: unknown): Message | [] {
  if (typeof item !== "object" || item === null || Array.isArray(item)) return [];
  const { id, result, error } = item as Record<string, unknown>;
  if (error !== undefined && error !== null) {
    if (typeof error !== "object") return [];
    const { code, message, data } = error as Record<string, unknown>;
    if (typeof message !== "string") return [];
    return { id, answer: { error: { code: Number(code), message, data } } };
  }
  return result === undefined ? [] : { id, answer: { result } };
}

/** Statuses with which servers refuse a batch as such. */
const isRefusal = (status: number): boolean => [400, 405, 413, 415, 422, 501].includes(status);

function isBatchRefusal({ status, messages, list }: Messages, calls: number): boolean {
  const errors = messages.flatMap(({ answer }) => ("error" in answer ? answer.error : []));
  // geth: one error for all, with the id of the first.
  if (messages.length < calls && errors.some(({ message }) => /batch/i.test(message))) return true;
  return !list && !errors.some(isRateLimit) && (isRefusal(status) || errors.length > 0);
}

/** Every call gets the one message with its id. Returns what was wrong with the exchange, if anything. */
function settleAll(calls: readonly Call[], { messages, status }: Messages): Failure | undefined {
  const byId = new Map<unknown, Answer | "twice">();
  for (const { id, answer } of messages) byId.set(id, byId.has(id) ? "twice" : answer);
  let failure: Failure | undefined;
  for (const { id, resolve } of calls) {
    const answer = byId.get(id);
    if (answer !== undefined && answer !== "twice") resolve(answer);
    else resolve({ failure: (failure ??= unmatched(messages, status)) });
  }
  return failure;
}

function unmatched(messages: readonly Message[], status: number): Failure {
  const errors = messages.flatMap(({ answer }) => ("error" in answer ? answer.error : []));
  if (errors.some(isRateLimit)) return { kind: "rate_limited", sent: true, detail: "rate limited" };
  const ok = status >= 200 && status < 300;
  return ok
    ? { kind: "malformed", sent: true, detail: "no answer with the id of the request" }
    : { kind: "http", sent: true, detail: `HTTP ${status}` };
}

/** Milliseconds of a `Retry-After` header, in seconds or as a date. */
function parseRetryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}
