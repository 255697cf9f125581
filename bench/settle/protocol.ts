/** What the benchmark and the process that it measures tell each other. */

export type SubjectName = "farthing-memory" | "farthing-redis" | "official" | "nothing";

export interface Prepare {
  readonly subject: SubjectName;
  readonly rpcUrl: string;
  readonly redisUrl?: string;
  readonly concurrency: number;
  /** How many payments to sign. */
  readonly payments: number;
  readonly recovery: "native" | "noble";
  /** Options of `evmChain` that are not the defaults. */
  readonly lane: { readonly window?: number; readonly maxBatch?: number };
  /** Hear of heads over a websocket; else they are polled. */
  readonly websocket: boolean;
  /** File for a CPU profile of the measured time. */
  readonly profile?: string;
}

export type Order =
  | { readonly type: "prepare"; readonly prepare: Prepare }
  /** Begin the load. */
  | { readonly type: "load" }
  /** The measured time begins; it ends. */
  | { readonly type: "begin" }
  | { readonly type: "end" };

export interface RpcCount {
  /** JSON-RPC calls by method. */
  readonly calls: Readonly<Record<string, number>>;
  readonly httpRequests: number;
}

export interface Completion {
  /** Milliseconds of the system's monotonic clock, which all processes share. */
  readonly atMs: number;
  readonly transaction: string;
}

export interface Measured {
  readonly elapsedMs: number;
  readonly settled: number;
  readonly latenciesMs: Float64Array;
  /** CPU time of the process, milliseconds. */
  readonly cpuMs: number;
  readonly rpc: RpcCount;
  /** Answers that were no success, by reason. */
  readonly errors: Readonly<Record<string, number>>;
  /** What the engine reported beside sending and mining. */
  readonly events: Readonly<Record<string, number>>;
  /** Milliseconds from the stage before to each stage of a transaction's way, on average. */
  readonly stages: Readonly<Record<string, number>>;
  /** Of the measured time, when the concurrency is small. */
  readonly completions: readonly Completion[];
  /** Successes from the beginning of the load to its end. */
  readonly settledInAll: number;
  /** The signed payments ran out: what was measured is too low. */
  readonly ranDry: boolean;
  readonly heapMb: number;
}

export type Report =
  | { readonly type: "prepared" }
  | { readonly type: "measured"; readonly measured: Measured };

export interface Subject {
  /** Resolves when it can take payments. */
  ready(): Promise<void>;
  settle(text: string): Promise<{
    readonly success: boolean;
    readonly errorReason?: string | undefined;
    readonly transaction: string;
  }>;
  rpc(): RpcCount;
  events(): Readonly<Record<string, number>>;
  /** Since it was asked last. */
  stages(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

export const nowMs = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;
