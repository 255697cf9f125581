/** Medians with their ranges. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { machine } from "../settle/machine.ts";
import { KINDS, SUBJECTS, type Kind, type Measured, type SubjectName } from "./protocol.ts";
import type { Size } from "./sizes.ts";

export interface Point extends Measured {
  readonly subject: SubjectName;
  readonly kind: Kind;
  readonly round: number;
}

export function report(
  points: readonly Point[],
  sizes: readonly Size[],
  run: { root: string; rounds: number; seconds: number; out: string },
): void {
  const { root, ...settings } = run;
  const facts = {
    benchmark: "client",
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    versions: versions(root),
    ...settings,
  };
  const { machine: m } = facts;
  const markdown = [
    `# client, ${facts.date}`,
    "",
    `${m["cpu"]}, ${m["cores"]} cores, ${m["system"]}, Node ${m["node"]}; ${Object.entries(
      facts.versions,
    )
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}.`,
    "",
    `\`node bench/run.mjs client\`: ${run.rounds} round(s) of ${run.seconds} s, median (min–max). CPU time of the client's process for a call; the server is a function in it.`,
    "",
    "| call | client | CPU µs | above fetch µs | × official | requests |",
    "| --- | --- | --- | --- | --- | --- |",
    ...KINDS.flatMap((kind) => SUBJECTS.flatMap((subject) => row(points, subject, kind))),
    "",
    "| bundle | minified | gzip |",
    "| --- | --- | --- |",
    ...sizes.map(
      ({ what, minified, gzip }) => `| ${what} | ${kilo(minified)} kB | ${kilo(gzip)} kB |`,
    ),
    "",
  ].join("\n");
  const folder = join(root, "bench", "results");
  mkdirSync(folder, { recursive: true });
  const json = JSON.stringify({ ...facts, sizes, points }, undefined, 1);
  writeFileSync(join(folder, `${run.out}.json`), `${json}\n`);
  writeFileSync(join(folder, `${run.out}.md`), markdown);
  console.log(markdown);
}

function row(points: readonly Point[], subject: SubjectName, kind: Kind): string[] {
  const of = (name: SubjectName, call: Kind) =>
    points
      .filter((point) => point.subject === name && point.kind === call)
      .map(({ cpuMicros }) => cpuMicros);
  const mine = of(subject, kind);
  if (mine.length === 0) return [];
  const [bare, official] = [of("fetch", "free"), of("official", kind)];
  const requests = points.find((point) => point.subject === subject && point.kind === kind);
  const cells = [
    kind,
    subject,
    spread(mine, 1),
    kind === "free" && subject !== "fetch"
      ? spread(
          pairs(mine, bare, (a, b) => a - b),
          1,
        )
      : "",
    spread(
      pairs(official, mine, (a, b) => a / b),
      1,
    ),
    requests?.requests.toFixed(0) ?? "",
  ];
  return [`| ${cells.join(" | ")} |`];
}

/** Round by round: what was measured at the same time is compared. */
function pairs(
  values: readonly number[],
  others: readonly number[],
  compare: (value: number, other: number) => number,
): number[] {
  return values.flatMap((value, round) =>
    others[round] === undefined ? [] : compare(value, others[round]),
  );
}

function spread(values: readonly number[], digits: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  if (sorted.length === 0) return "";
  const show = (value: number) => value.toFixed(digits);
  const median = show(sorted[Math.floor(sorted.length / 2)]!);
  return sorted.length === 1 ? median : `${median} (${show(sorted[0]!)}–${show(sorted.at(-1)!)})`;
}

const kilo = (bytes: number): string => (bytes / 1000).toFixed(1);

function versions(root: string): Record<string, string> {
  const version = (path: string): string =>
    (JSON.parse(readFileSync(join(root, path, "package.json"), "utf8")) as { version: string })
      .version;
  const options = { cwd: root, encoding: "utf8" } as const;
  return {
    farthing: execFileSync("git", ["describe", "--always", "--dirty"], options).trim(),
    "@x402/fetch": version("test/interop/node_modules/@x402/fetch"),
    "@x402/evm": version("test/interop/node_modules/@x402/evm"),
    viem: version("node_modules/viem"),
  };
}
