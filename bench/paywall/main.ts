/** What a paywall costs. See ../README.md. */
import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cpuTimes } from "../settle/machine.ts";
import { run } from "./load.ts";
import { paid, unpaid } from "./payments.ts";
import { SUBJECTS, type Listening, type SubjectName } from "./protocol.ts";
import { report, type Point } from "./report.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    seconds: { type: "string" },
    subjects: { type: "string", default: SUBJECTS.join(",") },
    connections: { type: "string", default: "32" },
    profile: { type: "string" },
    out: { type: "string", default: "paywall" },
  },
});
const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
const seconds = Number(values.seconds ?? (values.quick ? 2 : 4));
const connections = Number(values.connections);
const subjects = values.subjects.split(",") as SubjectName[];

const points: Point[] = [];
for (let round = 0; round < rounds; round++) {
  // A B, then B A: what drifts on the machine hits all alike.
  for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
    for (const kind of ["unpaid", "paid"] as const) {
      const point = await measure(subject, kind);
      points.push(point);
      console.error(
        `${subject} ${kind}: ${point.perSecond.toFixed(0)}/s, ${point.cpuMicros.toFixed(1)} µs CPU, ${JSON.stringify(point.statuses)}`,
      );
    }
  }
}
report(points, { rounds, seconds, connections, out: values.out });

async function measure(subject: SubjectName, kind: Point["kind"]): Promise<Point> {
  const profile = values.profile && `${subject}-${kind}.cpuprofile`;
  const profiled = profile
    ? ["--cpu-prof", "--cpu-prof-dir", values.profile!, "--cpu-prof-name", profile]
    : [];
  const child = fork(join(import.meta.dirname, "subject.mjs"), [subject], {
    execArgv: [...profiled, "--enable-source-maps"],
    env: { ...process.env, NODE_ENV: "production" },
  });
  const { port } = await listening(child);
  const pids = { server: child.pid!, load: process.pid };
  try {
    const ready = kind === "paid" ? stock(payments(subject)) : () => unpaid;
    await run({ port, connections, next: ready }, Math.min(1.5, seconds));
    const before = cpuTimes(pids);
    const result = await run({ port, connections, next: ready }, seconds);
    const after = cpuTimes(pids);
    const used = (name: "server" | "load") => after.processes[name]! - before.processes[name]!;
    return {
      subject,
      kind,
      perSecond: result.answers / result.seconds,
      cpuMicros: (used("server") * 1000) / result.answers,
      serverCores: used("server") / 1000 / result.seconds,
      loadCores: used("load") / 1000 / result.seconds,
      statuses: result.statuses,
      ranDry: result.ranDry,
    };
  } finally {
    child.disconnect();
    await new Promise((resolve) => child.once("exit", resolve));
  }
}

/** More than can be asked for in the time. */
function payments(subject: SubjectName): number {
  const mostPerSecond = subject.startsWith("hono") ? 22_000 : 14_000;
  return Math.ceil(mostPerSecond * (seconds + 1.5));
}

/** Made beforehand: making one takes as long as answering it. */
function stock(count: number): () => Buffer | undefined {
  const made = Array.from({ length: count }, paid);
  let next = 0;
  return () => made[next++];
}

async function listening(child: ChildProcess): Promise<Listening> {
  return await new Promise((resolve, reject) => {
    child.once("message", (message) => resolve(message as Listening));
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
}
