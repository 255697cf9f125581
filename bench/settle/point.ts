/** One measurement: a fresh chain, a fresh store, a fresh process, one concurrency. */
import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { startRpcProxy } from "../../src/testing/index.ts";
import { startRedis } from "../../test/setup/redis.ts";
import { readTransactions, watchHeads, type SentTransaction } from "./chain-facts.ts";
import { cpuTimes } from "./machine.ts";
import type { Measured, Order, Prepare, Report, SubjectName } from "./protocol.ts";
import { startWorld } from "./world.ts";

export interface PointOptions extends Pick<Prepare, "recovery" | "lane" | "profile" | "websocket"> {
  readonly subject: SubjectName;
  readonly blockTimeSeconds: number;
  readonly concurrency: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** For the measured process. */
  readonly nodeOptions: readonly string[];
  /** Count RPC calls with a proxy as well, which takes CPU. */
  readonly proxy: boolean;
}

export interface Point {
  readonly subject: SubjectName;
  /** What differs from the defaults of `evmChain`. */
  readonly lane: Prepare["lane"];
  readonly blockTimeSeconds: number;
  readonly concurrency: number;
  readonly settledPerSecond: number;
  readonly boundPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From when a block was heard of until the answer of a payment in it; small concurrencies only. */
  readonly delayP50Ms?: number;
  readonly delayMaxMs?: number;
  readonly cpuMsPerSettled: number;
  readonly rpcPerSettled: number;
  readonly httpPerSettled: number;
  readonly proxyRpcPerSettled?: number;
  readonly rpcCalls: Readonly<Record<string, number>>;
  readonly gasPerPayment: number;
  readonly blocks: number;
  readonly batchP50: number;
  readonly batchMax: number;
  /** Most transactions of a block. */
  readonly transactionsPerBlockMax: number;
  /** Cores in use, of the facilitator's process, of the chain, of the store, and by everybody on this machine. */
  readonly cores: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly events: Readonly<Record<string, number>>;
  readonly stages: Readonly<Record<string, number>>;
  readonly ranDry: boolean;
  readonly heapMb: number;
  /** Successes that were told minus payments on the chain, over the whole run: never above 0. */
  readonly toldButNotOnChain: number;
}

/** No subject settles more than that, so no more are signed. */
const FASTEST: Readonly<Record<SubjectName, number>> = {
  "farthing-memory": 5000,
  "farthing-redis": 5000,
  official: 250,
  nothing: 100_000,
};

export async function measure(options: PointOptions): Promise<Point> {
  const { subject, blockTimeSeconds, concurrency, recovery, lane, profile, websocket } = options;
  const world = await startWorld(blockTimeSeconds);
  const redis = subject === "farthing-redis" ? await startRedis() : undefined;
  const proxy = options.proxy ? await startRpcProxy(world.rpcUrl) : undefined;
  const heads = await watchHeads(world.rpcUrl);
  const child = fork(fileURLToPath(new URL("subject.mjs", import.meta.url)), {
    serialization: "advanced",
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    execArgv: ["--max-old-space-size=4096", ...options.nodeOptions],
  });
  try {
    const boundPerSecond = concurrency / blockTimeSeconds;
    const seconds = options.warmUpSeconds + options.seconds + 2 * blockTimeSeconds + 1;
    const payments =
      Math.ceil(Math.min(boundPerSecond, FASTEST[subject]) * seconds) + 2 * concurrency;
    await ask(child, "prepared", {
      type: "prepare",
      prepare: {
        subject,
        rpcUrl: proxy?.url ?? world.rpcUrl,
        ...(redis !== undefined && { redisUrl: redis.url }),
        ...(profile !== undefined && { profile }),
        concurrency,
        payments,
        recovery,
        lane,
        websocket,
      },
    });

    const pids: Record<string, number> = { facilitator: child.pid!, chain: world.pid };
    if (redis !== undefined) pids["store"] = redis.pid;
    const firstBlock = heads.newest() + 1;
    child.send({ type: "load" } satisfies Order);
    await sleep(1000 * options.warmUpSeconds);
    // From block to block, so that the number of blocks in the time is no matter of luck.
    const beginBlock = await heads.next();
    child.send({ type: "begin" } satisfies Order);
    const before = cpuTimes(pids);
    const proxyBefore = proxy?.total ?? 0;
    await sleep(1000 * (options.seconds - blockTimeSeconds / 2));
    const endBlock = await heads.next();
    const after = cpuTimes(pids);
    const proxied = (proxy?.total ?? 0) - proxyBefore;
    const { measured } = await ask(child, "measured", { type: "end" });

    const sent = await readTransactions(world.rpcUrl, firstBlock, heads.newest());
    const onChain = [...sent.values()].reduce((sum, { payments: count }) => sum + count, 0);
    const cores = Object.entries(after.processes).map(([name, ms]) => [
      name,
      (ms - before.processes[name]!) / measured.elapsedMs,
    ]);
    return {
      subject,
      lane,
      blockTimeSeconds,
      concurrency,
      boundPerSecond,
      settledPerSecond: (1000 * measured.settled) / measured.elapsedMs,
      ...ofAnswers(measured, sent, heads.atMs),
      ...(proxy !== undefined && { proxyRpcPerSettled: proxied / measured.settled }),
      ...ofBlocks(
        [...sent.values()].filter(({ block }) => block > beginBlock && block <= endBlock),
      ),
      blocks: endBlock - beginBlock,
      cores: {
        ...(Object.fromEntries(cores) as Record<string, number>),
        everybody: (after.busyMs - before.busyMs) / measured.elapsedMs,
        stolen: (after.stolenMs - before.stolenMs) / measured.elapsedMs,
      },
      toldButNotOnChain: measured.settledInAll - onChain,
    };
  } finally {
    if (child.exitCode === null) child.kill("SIGKILL");
    await heads.stop();
    await proxy?.stop();
    await redis?.stop();
    await world.stop();
  }
}

function ofAnswers(
  measured: Measured,
  sent: ReadonlyMap<string, SentTransaction>,
  headsAtMs: ReadonlyMap<number, number>,
) {
  const { settled, rpc, cpuMs } = measured;
  const latencies = measured.latenciesMs.toSorted();
  const calls = Object.values(rpc.calls).reduce((sum, count) => sum + count, 0);
  const delays = measured.completions
    .flatMap(({ atMs, transaction }) => {
      const headAtMs = headsAtMs.get(sent.get(transaction)?.block ?? -1);
      return headAtMs === undefined ? [] : atMs - headAtMs;
    })
    .toSorted((a, b) => a - b);
  return {
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    ...(delays.length > 0 && {
      delayP50Ms: quantile(delays, 0.5),
      delayMaxMs: quantile(delays, 1),
    }),
    cpuMsPerSettled: cpuMs / settled,
    rpcPerSettled: calls / settled,
    httpPerSettled: rpc.httpRequests / settled,
    rpcCalls: rpc.calls,
    errors: measured.errors,
    events: measured.events,
    stages: measured.stages,
    ranDry: measured.ranDry,
    heapMb: measured.heapMb,
  };
}

function ofBlocks(sent: readonly SentTransaction[]) {
  const payments = sent.reduce((sum, one) => sum + one.payments, 0);
  const sizes = sent.map((one) => one.payments).toSorted((a, b) => a - b);
  const perBlock = new Map<number, number>();
  for (const { block } of sent) perBlock.set(block, (perBlock.get(block) ?? 0) + 1);
  return {
    gasPerPayment: sent.reduce((sum, { gas }) => sum + gas, 0) / payments,
    batchP50: quantile(sizes, 0.5),
    batchMax: quantile(sizes, 1),
    transactionsPerBlockMax: Math.max(0, ...perBlock.values()),
  };
}

export function quantile(sorted: ArrayLike<number>, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** Sends an order and waits for its report. */
function ask<T extends Report["type"]>(
  child: ChildProcess,
  type: T,
  order: Order,
): Promise<Extract<Report, { type: T }>> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void =>
      reject(new Error(`the measured process ended with code ${code}`));
    child.once("exit", onExit);
    const onMessage = (report: Report): void => {
      if (report.type !== type) return;
      child.off("message", onMessage).off("exit", onExit);
      resolve(report as Extract<Report, { type: T }>);
    };
    child.on("message", onMessage);
    child.send(order);
  });
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
