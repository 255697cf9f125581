/** Rounds of the same point become medians with their ranges, and a table. */
import type { Point } from "./point.ts";

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

const NUMBERS = [
  "settledPerSecond",
  "p50Ms",
  "p99Ms",
  "delayP50Ms",
  "delayMaxMs",
  "cpuMsPerSettled",
  "rpcPerSettled",
  "httpPerSettled",
  "proxyRpcPerSettled",
  "gasPerPayment",
  "batchP50",
  "batchMax",
  "transactionsPerBlockMax",
  "heapMb",
] as const;

export type Summary = Pick<
  Point,
  "subject" | "lane" | "blockTimeSeconds" | "concurrency" | "boundPerSecond"
> & {
  readonly rounds: number;
  readonly numbers: Readonly<Partial<Record<(typeof NUMBERS)[number], Spread>>>;
  readonly cores: Readonly<Record<string, Spread>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly events: Readonly<Record<string, number>>;
  readonly ranDry: boolean;
  readonly toldButNotOnChain: number;
  readonly binds: string;
};

export function summarize(points: readonly Point[]): Summary[] {
  return [...groupBy(points).values()].map((rounds) => summarizeOne(rounds));
}

function groupBy(points: readonly Point[]): Map<string, Point[]> {
  const groups = new Map<string, Point[]>();
  for (const point of points) {
    const key = [point.blockTimeSeconds, point.concurrency, nameOf(point)].join(" ");
    groups.set(key, [...(groups.get(key) ?? []), point]);
  }
  return groups;
}

/** The subject, with what of its lane is not as usual. */
function nameOf({ subject, lane: { window, maxBatch } }: Pick<Point, "subject" | "lane">): string {
  const changes = [
    ...(window === undefined ? [] : [`window ${window}`]),
    ...(maxBatch === undefined ? [] : [`batch ${maxBatch}`]),
  ];
  return changes.length === 0 ? subject : `${subject} (${changes.join(", ")})`;
}

function summarizeOne(rounds: readonly Point[]): Summary {
  const first = rounds[0]!;
  const { subject, lane, blockTimeSeconds, concurrency, boundPerSecond } = first;
  const numbers = Object.fromEntries(
    NUMBERS.flatMap((name) => {
      const values = rounds.flatMap((round) => round[name] ?? []);
      return values.length === 0 ? [] : [[name, spread(values)]];
    }),
  ) as Summary["numbers"];
  const cores = Object.fromEntries(
    Object.keys(first.cores).map((name) => [
      name,
      spread(rounds.map((round) => round.cores[name] ?? 0)),
    ]),
  );
  return {
    subject,
    lane,
    blockTimeSeconds,
    concurrency,
    boundPerSecond,
    rounds: rounds.length,
    numbers,
    cores,
    errors: sum(rounds.map(({ errors }) => errors)),
    events: sum(rounds.map(({ events }) => events)),
    ranDry: rounds.some(({ ranDry }) => ranDry),
    toldButNotOnChain: Math.max(...rounds.map((round) => round.toldButNotOnChain)),
    binds: whatBinds(first, numbers, cores),
  };
}

function whatBinds(point: Point, numbers: Summary["numbers"], cores: Summary["cores"]): string {
  const { window = 16, maxBatch = 100 } = point.lane;
  const rate = numbers.settledPerSecond?.median ?? 0;
  if (rate >= 0.85 * point.boundPerSecond) return "block time";
  if ((cores["facilitator"]?.median ?? 0) >= 0.85) return "its CPU";
  if ((cores["chain"]?.median ?? 0) >= 0.85) return "anvil's CPU";
  if (point.subject !== "official" && rate * point.blockTimeSeconds >= 0.9 * window * maxBatch)
    return "window";
  if ((cores["everybody"]?.median ?? 0) >= 1.85) return "both cores";
  return "waiting";
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

function sum(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const [name, count] of counts.flatMap((one) => Object.entries(one)))
    total[name] = (total[name] ?? 0) + count;
  return total;
}

const COLUMNS = [
  "block",
  "in flight",
  "facilitator",
  "settled/s",
  "of bound",
  "p50 ms",
  "p99 ms",
  "after block ms",
  "CPU ms",
  "RPC",
  "gas",
  "batch p50/max",
  "cores: it/chain/store/all",
  "binds",
  "not settled",
];

export function table(summaries: readonly Summary[]): string {
  const rows = summaries.map((summary) => {
    const { numbers: n, cores } = summary;
    const core = (name: string): string => (cores[name]?.median ?? 0).toFixed(2);
    const errors = Object.entries(summary.errors).map(([reason, count]) => `${count} ${reason}`);
    if (summary.ranDry) errors.push("ran out of payments");
    if (summary.toldButNotOnChain > 0) errors.push(`${summary.toldButNotOnChain} NOT ON CHAIN`);
    return [
      `${summary.blockTimeSeconds} s`,
      `${summary.concurrency}`,
      nameOf(summary),
      show(n.settledPerSecond, 0, true),
      `${Math.round((100 * (n.settledPerSecond?.median ?? 0)) / summary.boundPerSecond)} %`,
      show(n.p50Ms, 0),
      show(n.p99Ms, 0),
      show(n.delayP50Ms, 1),
      show(n.cpuMsPerSettled, 3, true),
      show(n.rpcPerSettled, 3),
      show(n.gasPerPayment, 0),
      `${show(n.batchP50, 0)}/${show(n.batchMax, 0)}`,
      ["facilitator", "chain", "store", "everybody"].map(core).join("/"),
      summary.binds,
      errors.join("; "),
    ];
  });
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(COLUMNS), line(COLUMNS.map(() => "---")), ...rows.map(line)].join("\n");
}

function show(value: Spread | undefined, digits: number, range = false): string {
  if (value === undefined) return "";
  const { median, min, max } = value;
  const text = median.toFixed(digits);
  return range && min !== max ? `${text} (${min.toFixed(digits)}–${max.toFixed(digits)})` : text;
}
