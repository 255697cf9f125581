/** CPU time of processes and of the machine, from Linux's /proc; zeros elsewhere. */
import { readFileSync } from "node:fs";
import { cpus, totalmem, type, release } from "node:os";

/** Linux counts in hundredths of a second for whoever reads /proc. */
const TICK_MS = 10;

export interface CpuTimes {
  /** Milliseconds by name of the process. */
  readonly processes: Readonly<Record<string, number>>;
  /** Of all cores together: at work, and taken away by the hypervisor. */
  readonly busyMs: number;
  readonly stolenMs: number;
}

export function cpuTimes(pids: Readonly<Record<string, number>>): CpuTimes {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = read("/proc/stat")
    .split("\n", 1)[0]!
    .split(/\s+/)
    .map(Number);
  const processes = Object.entries(pids).map(([name, pid]) => [name, processMs(pid)]);
  return {
    processes: Object.fromEntries(processes) as Record<string, number>,
    busyMs: (user + nice + system + irq + softirq) * TICK_MS,
    stolenMs: steal * TICK_MS,
  };
}

function processMs(pid: number): number {
  // The name, in parentheses, may hold spaces.
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK_MS;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

export function machine(): Record<string, string | number> {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
  };
}
