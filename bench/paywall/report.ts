/** Medians with their ranges, and what the goals are about: ratios to the bare route and to the official middleware. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { machine } from "../settle/machine.ts";
import { SUBJECTS, type SubjectName } from "./protocol.ts";

export interface Point {
  readonly subject: SubjectName;
  readonly kind: "unpaid" | "paid";
  readonly perSecond: number;
  /** CPU of the server's process for an answer. */
  readonly cpuMicros: number;
  readonly serverCores: number;
  readonly loadCores: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly ranDry: boolean;
}

/** The bundle is in bench/node_modules/.cache/paywall. */
const BENCH = join(import.meta.dirname, "..", "..", "..");

export function report(
  points: readonly Point[],
  run: { rounds: number; seconds: number; connections: number; out: string },
): void {
  const facts = {
    benchmark: "paywall",
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    versions: versions(),
    ...run,
  };
  const { machine: m, versions: v } = facts;
  const markdown = [
    `# paywall, ${facts.date}`,
    "",
    `${m["cpu"]}, ${m["cores"]} cores, ${m["system"]}, Node ${m["node"]}; ${Object.entries(v)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}.`,
    "",
    `${run.rounds} round(s) of ${run.seconds} s, ${run.connections} connections, median (min–max). The facilitator is in process and says yes at once. "bare": the same route without a paywall, asked with the same bytes.`,
    "",
    ...table(points),
    "",
  ].join("\n");
  const folder = join(BENCH, "results");
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, `${run.out}.json`),
    `${JSON.stringify({ ...facts, points }, undefined, 1)}\n`,
  );
  writeFileSync(join(folder, `${run.out}.md`), markdown);
  console.log(markdown);
}

function table(points: readonly Point[]): string[] {
  const rows = [
    "| server | request | answers/s | of bare | × official | CPU µs | above bare µs | cores: server/load | answers |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
  ];
  for (const kind of ["unpaid", "paid"] as const) {
    for (const subject of SUBJECTS) {
      const mine = pick(points, subject, kind);
      if (mine.length === 0) continue;
      const framework = subject.split("-", 1)[0]!;
      const bare = pick(points, `${framework}-bare` as SubjectName, kind);
      const official = pick(points, `${framework}-official` as SubjectName, kind);
      const perSecond = mine.map((point) => point.perSecond);
      const cpu = mine.map((point) => point.cpuMicros);
      const bareCpu = bare.map((point) => point.cpuMicros);
      rows.push(
        `| ${[
          subject,
          kind,
          spread(perSecond, 0),
          spread(
            ratios(
              perSecond,
              bare.map((point) => point.perSecond),
            ),
            2,
          ),
          spread(
            ratios(
              perSecond,
              official.map((point) => point.perSecond),
            ),
            2,
          ),
          spread(cpu, 1),
          spread(
            cpu.map((value, round) => value - (bareCpu[round] ?? Number.NaN)),
            1,
          ),
          `${spread(
            mine.map((point) => point.serverCores),
            2,
          )} / ${spread(
            mine.map((point) => point.loadCores),
            2,
          )}`,
          [
            ...new Set(
              mine.map(
                (point) => Object.keys(point.statuses).join(" ") + (point.ranDry ? " ran dry" : ""),
              ),
            ),
          ].join("; "),
        ].join(" | ")} |`,
      );
    }
  }
  return rows;
}

function pick(points: readonly Point[], subject: SubjectName, kind: Point["kind"]): Point[] {
  return points.filter((point) => point.subject === subject && point.kind === kind);
}

/** Round by round: what was measured at the same time is compared. */
function ratios(values: readonly number[], others: readonly number[]): number[] {
  return values.flatMap((value, round) =>
    others[round] === undefined ? [] : value / others[round],
  );
}

function spread(values: readonly number[], digits: number): string {
  const sorted = values.filter((value) => !Number.isNaN(value)).toSorted((a, b) => a - b);
  if (sorted.length === 0) return "";
  const show = (value: number) => value.toFixed(digits);
  const median = show(sorted[Math.floor(sorted.length / 2)]!);
  return sorted.length === 1 ? median : `${median} (${show(sorted[0]!)}–${show(sorted.at(-1)!)})`;
}

function versions(): Record<string, string> {
  const version = (path: string): string =>
    (JSON.parse(readFileSync(join(BENCH, path, "package.json"), "utf8")) as { version: string })
      .version;
  const options = { cwd: BENCH, encoding: "utf8" } as const;
  return {
    farthing: execFileSync("git", ["describe", "--always", "--dirty"], options).trim(),
    "@x402/hono": version("../test/interop/node_modules/@x402/hono"),
    "@x402/express": version("../test/interop/node_modules/@x402/express"),
    hono: version("../node_modules/hono"),
    "@hono/node-server": version("../node_modules/@hono/node-server"),
    express: version("../node_modules/express"),
  };
}
