/** A wallet's folder of its own, and the `farthing` command with it. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { FARTHING, ROOT, start, type Ended, type Running } from "../setup/command.ts";

export interface WalletHome {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** `farthing pay …`, started. */
  start(args: readonly string[], more?: Record<string, string>): Running;
  run(args: readonly string[], more?: Record<string, string>): Promise<Ended>;
  /** On a terminal, where this is typed each time that one of these is seen. */
  onTerminal(
    args: readonly string[],
    typed: readonly (readonly [RegExp, string])[],
  ): Promise<Ended>;
  /** All that is in the folder. */
  texts(): string;
}

/** Everything that a command of this process has printed. */
export const printed: string[] = [];

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export function newHome(key?: string): WalletHome {
  const folder = mkdtempSync(join(tmpdir(), "farthing-wallet-"));
  folders.push(folder);
  const env = { FARTHING_HOME: folder, ...(key !== undefined && { EVM_PRIVATE_KEY: key }) };
  const begin = (args: readonly string[], more = {}) =>
    start([FARTHING, ...args], { ...env, ...more });
  return {
    folder,
    env,
    start: begin,
    async run(args, more) {
      const ended = await begin(args, more).ended;
      printed.push(ended.stdout, ended.stderr);
      return ended;
    },
    async onTerminal(args, typed) {
      const ended = await runOnTerminal(args, env, typed);
      printed.push(ended.stdout);
      return ended;
    },
    texts() {
      const files = existsSync(folder) ? readdirSync(folder) : [];
      return files.map((name) => readFileSync(join(folder, name), "utf8")).join("\n");
    },
  };
}

/** Through `script` of util-linux, which gives a command a terminal. */
async function runOnTerminal(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  typed: readonly (readonly [RegExp, string])[],
): Promise<Ended> {
  const quoted = [process.execPath, FARTHING, ...args].map((arg) => `'${arg}'`).join(" ");
  const child = spawn("script", ["--quiet", "--return", "--command", quoted, "/dev/null"], {
    cwd: ROOT,
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], SHELL: "/bin/sh", ...env },
    stdio: "pipe",
  });
  let stdout = "";
  const left = [...typed];
  let from = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    const [question, answer] = left[0] ?? [];
    const found = question?.exec(stdout.slice(from));
    if (found === null || found === undefined) return;
    from += found.index + found[0].length;
    left.shift();
    child.stdin.write(`${answer}\r`);
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr: "" };
}
