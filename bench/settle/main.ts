/** How fast a facilitator settles. See ../README.md. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { machine } from "./machine.ts";
import { measure, type Point } from "./point.ts";
import type { Prepare, SubjectName } from "./protocol.ts";
import { summarize, table } from "./summary.ts";

/** The bundle is in bench/node_modules/.cache/settle. */
const BENCH = join(import.meta.dirname, "..", "..", "..");
/** Above this the official facilitator settled nothing in the measured time. */
const OFFICIAL_MOST = 256;

/** Where the default window binds a larger one is measured as well, and labelled. */
const WIDE = { blockTimeSeconds: 1, concurrency: 4096, window: 64 };

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    seconds: { type: "string" },
    subjects: { type: "string", default: "farthing-memory,official,farthing-redis" },
    concurrency: { type: "string" },
    "block-times": { type: "string" },
    window: { type: "string" },
    "max-batch": { type: "string" },
    recovery: { type: "string", default: "native" },
    websocket: { type: "boolean", default: false },
    "node-option": { type: "string", multiple: true, default: [] },
    proxy: { type: "boolean", default: false },
    profile: { type: "string" },
    out: { type: "string", default: "settle" },
  },
});

const list = (text: string): number[] => text.split(",").map(Number);
const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
const seconds = Number(values.seconds ?? (values.quick ? 4 : 8));
const concurrencies = list(
  values.concurrency ?? (values.quick ? "1,64,1024,4096" : "1,16,64,256,1024,4096"),
);
const blockTimes = list(values["block-times"] ?? "1,0.2");
const subjects = values.subjects.split(",") as SubjectName[];
const recovery = values.recovery as Prepare["recovery"];
const lane: Prepare["lane"] = {
  ...(values.window !== undefined && { window: Number(values.window) }),
  ...(values["max-batch"] !== undefined && { maxBatch: Number(values["max-batch"]) }),
};

const points: Point[] = [];
for (let round = 0; round < rounds; round++) {
  for (const blockTimeSeconds of blockTimes) {
    for (const concurrency of concurrencies) {
      // A B, then B A: what drifts on the machine hits both alike.
      for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
        if (subject === "official" && concurrency > OFFICIAL_MOST) continue;
        for (const each of lanesOf(subject, concurrency, blockTimeSeconds))
          points.push(await run(subject, concurrency, blockTimeSeconds, each));
      }
    }
  }
}
report();

function lanesOf(
  subject: SubjectName,
  concurrency: number,
  blockTimeSeconds: number,
): Prepare["lane"][] {
  const binds = blockTimeSeconds === WIDE.blockTimeSeconds && concurrency === WIDE.concurrency;
  if (!binds || !subject.startsWith("farthing") || lane.window !== undefined) return [lane];
  return [lane, { ...lane, window: WIDE.window }];
}

async function run(
  subject: SubjectName,
  concurrency: number,
  blockTimeSeconds: number,
  own: Prepare["lane"],
): Promise<Point> {
  const wide = own === lane ? "" : `-window-${own.window}`;
  const name = `${subject}-${concurrency}-${blockTimeSeconds}s${wide}`;
  const slow = subject === "official" && concurrency > 64;
  const point = await measure({
    subject,
    concurrency,
    blockTimeSeconds,
    recovery,
    lane: own,
    seconds,
    warmUpSeconds: slow ? 12 : 3,
    proxy: values.proxy,
    websocket: values.websocket,
    nodeOptions: values["node-option"],
    ...(values.profile !== undefined && { profile: `${values.profile}-${name}.cpuprofile` }),
  });
  const { settledPerSecond, cpuMsPerSettled, p50Ms } = point;
  const figures = [
    `${settledPerSecond.toFixed(1)}/s`,
    `CPU ${cpuMsPerSettled.toFixed(3)} ms`,
    `p50 ${p50Ms.toFixed(0)} ms`,
    JSON.stringify(point.cores),
    JSON.stringify({ ...point.errors, ...point.events }),
    JSON.stringify(point.stages),
  ];
  console.error(`${name}: ${figures.join(", ")}`);
  return point;
}

function report(): void {
  const summaries = summarize(points).toSorted(
    (a, b) => b.blockTimeSeconds - a.blockTimeSeconds || a.concurrency - b.concurrency,
  );
  const facts = {
    benchmark: "settle",
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    versions: versions(),
    rounds,
    secondsPerPoint: seconds,
    recovery,
    lane: { window: 16, maxBatch: 100, signers: 1, ...lane },
  };
  const folder = join(BENCH, "results");
  mkdirSync(folder, { recursive: true });
  const json = JSON.stringify({ ...facts, summaries, points }, undefined, 1);
  const { machine: m, versions: v } = facts;
  const markdown = [
    `# settle, ${facts.date}`,
    "",
    `${m["cpu"]}, ${m["cores"]} cores, ${m["system"]}, Node ${m["node"]}; ${Object.entries(v)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}.`,
    "",
    `${rounds} round(s) of ${seconds} s, median (min–max); one signer, window ${facts.lane.window}, at most ${facts.lane.maxBatch} payments a transaction, ${recovery} recovery.`,
    "",
    table(summaries),
    "",
  ].join("\n");
  writeFileSync(join(folder, `${values.out}.json`), `${json}\n`);
  writeFileSync(join(folder, `${values.out}.md`), markdown);
  console.log(markdown);
}

function versions(): Record<string, string> {
  const version = (path: string): string =>
    (JSON.parse(readFileSync(join(BENCH, path, "package.json"), "utf8")) as { version: string })
      .version;
  const commit = execFileSync("git", ["describe", "--always", "--dirty"], {
    cwd: BENCH,
    encoding: "utf8",
  });
  return {
    farthing: commit.trim(),
    "@x402/evm": version("../test/interop/node_modules/@x402/evm"),
    viem: version("../node_modules/viem"),
    anvil: version("../node_modules/@foundry-rs/anvil"),
    secp256k1: version("node_modules/secp256k1"),
  };
}
