/** Processes by name, so that others on the same machine can tell whether one has ended. */
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

const ended = new Set<string>();
let here: string | undefined;
let self: string | undefined;

/** Names this process: where process ids mean the same, the id, and what tells it from a later one with that id. */
export function processName(): string {
  self ??= JSON.stringify([place(), process.pid, statOf(process.pid)?.start ?? ""]);
  return self;
}

/** Whether the process is known to have ended: false for one that lives, and for one elsewhere. */
export function hasEnded(name: string): boolean {
  if (name === processName()) return false;
  if (ended.has(name)) return true;
  const [where, pid, start] = JSON.parse(name) as [string, number, string];
  if (where !== place() || (exists(pid) && !isAnother(pid, start))) return false;
  ended.add(name);
  return true;
}

/** The host, its start, and the namespace of process ids: containers may share a host's name, and not its processes. */
function place(): string {
  if (here !== undefined) return here;
  const boot = attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim());
  const namespace = attempt(() => readlinkSync("/proc/self/ns/pid"));
  here = [hostname(), boot, namespace].join(" ");
  return here;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"; // EPERM: it is somebody else's
  }
}

/** Whether the process with this id is a later one, or nothing but a name that its parent has yet to read. */
function isAnother(pid: number, start: string): boolean {
  const stat = statOf(pid);
  return stat !== undefined && (stat.state === "Z" || (start !== "" && stat.start !== start));
}

/** On Linux. */
function statOf(pid: number): { state: string; start: string } | undefined {
  const text = attempt(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  // The name of the command comes before, in parentheses, and may hold any of them.
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, start] = [fields?.[0], fields?.[19]];
  return state === undefined || start === undefined ? undefined : { state, start };
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
