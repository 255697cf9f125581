/** The process that is measured: a facilitator and, in the same process, a loop that keeps it busy. */
import { writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { official } from "./official.ts";
import { ours } from "./ours.ts";
import { signPayments } from "./payments.ts";
import { nowMs, type Completion, type Measured, type Order, type Prepare } from "./protocol.ts";
import type { Report, RpcCount, Subject } from "./protocol.ts";

const COMPLETIONS_KEPT_TO = 16;

process.on("message", (order: Order) => {
  if (order.type === "prepare") {
    void prepare(order.prepare).catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  }
});

const tell = (report: Report): void => void process.send?.(report);

async function prepare(options: Prepare): Promise<void> {
  // First, for it takes seconds, in which nothing that is open would be answered.
  const payments = signPayments(options.payments);
  const subject = createSubject(options);
  await subject.ready();
  const load = createLoad(subject, payments, options);
  process.on("message", (order: Order) => {
    if (order.type === "load") load.run();
    if (order.type === "begin") void load.begin();
    if (order.type === "end") {
      void load.end().then(async (measured) => {
        tell({ type: "measured", measured });
        await subject.close();
        process.disconnect();
        process.exit(0);
      });
    }
  });
  tell({ type: "prepared" });
}

function createSubject(options: Prepare): Subject {
  if (options.subject === "official") return official(options);
  if (options.subject !== "nothing") return ours(options);
  return {
    ready: () => Promise.resolve(),
    async settle(text) {
      JSON.parse(text);
      await new Promise(setImmediate);
      return { success: true, transaction: "0x" };
    },
    rpc: () => ({ calls: {}, httpRequests: 0 }),
    events: () => ({}),
    stages: () => ({}),
    close: () => Promise.resolve(),
  };
}

function createLoad(subject: Subject, payments: readonly string[], options: Prepare) {
  let next = 0;
  const state = { stopped: false };
  let measuring = false;
  let settled = 0;
  let settledInAll = 0;
  const latencies: number[] = [];
  const completions: Completion[] = [];
  const errors: Record<string, number> = {};
  let workers: Promise<void>[] = [];
  let from: { atMs: number; cpu: NodeJS.CpuUsage; rpc: RpcCount } | undefined;
  let session: Session | undefined;

  async function worker(): Promise<void> {
    while (!state.stopped) {
      const text = payments[next++];
      if (text === undefined) return;
      const startMs = nowMs();
      let problem: string | undefined;
      let transaction = "";
      try {
        const answer = await subject.settle(text);
        if (answer.success) transaction = answer.transaction;
        else problem = answer.errorReason ?? "no reason";
      } catch (error) {
        problem = String(error).slice(0, 120);
      }
      if (problem === undefined) settledInAll += 1;
      if (!measuring) continue;
      if (problem !== undefined) errors[problem] = (errors[problem] ?? 0) + 1;
      else {
        const atMs = nowMs();
        settled += 1;
        latencies.push(atMs - startMs);
        if (options.concurrency <= COMPLETIONS_KEPT_TO) completions.push({ atMs, transaction });
      }
    }
  }

  return {
    run() {
      workers = Array.from({ length: options.concurrency }, () => worker());
    },
    async begin() {
      if (options.profile !== undefined) {
        session = new Session();
        session.connect();
        await session.post("Profiler.enable");
        await session.post("Profiler.setSamplingInterval", { interval: 200 });
        await session.post("Profiler.start");
      }
      measuring = true;
      subject.stages();
      from = { atMs: nowMs(), cpu: process.cpuUsage(), rpc: subject.rpc() };
    },
    async end(): Promise<Measured> {
      const ranDry = next >= payments.length;
      measuring = false;
      state.stopped = true;
      const elapsedMs = nowMs() - from!.atMs;
      const cpu = process.cpuUsage(from!.cpu);
      const rpc = subject.rpc();
      const stages = subject.stages();
      const heapMb = process.memoryUsage().heapUsed / 2 ** 20;
      if (session !== undefined && options.profile !== undefined) {
        const { profile } = await session.post("Profiler.stop");
        writeFileSync(options.profile, JSON.stringify(profile));
      }
      await Promise.race([
        Promise.all(workers),
        new Promise((resolve) => setTimeout(resolve, 15_000).unref()),
      ]);
      return {
        elapsedMs,
        settled,
        latenciesMs: Float64Array.from(latencies),
        cpuMs: (cpu.user + cpu.system) / 1000,
        rpc: difference(rpc, from!.rpc),
        errors,
        events: subject.events(),
        stages,
        completions,
        settledInAll,
        ranDry,
        heapMb,
      };
    },
  };
}

function difference(after: RpcCount, before: RpcCount): RpcCount {
  const calls = Object.entries(after.calls).map(([name, count]) => [
    name,
    count - (before.calls[name] ?? 0),
  ]);
  return {
    calls: Object.fromEntries(calls) as Record<string, number>,
    httpRequests: after.httpRequests - before.httpRequests,
  };
}
