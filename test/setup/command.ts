/** Runs commands of the built package, as a user would. */
import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const FARTHING = "dist/bin/farthing.js";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** First group of a pattern in what the command has printed on standard output; waits for it. */
  seen(pattern: RegExp): Promise<string>;
  readonly ended: Promise<Ended>;
}

/** Starts `node …` in the project's folder with nothing of this process's own environment but `PATH`. */
export function start(args: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<Ended>((resolve) =>
    child.once("close", (code) => resolve({ code, stdout, stderr })),
  );
  const seen = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const found = pattern.exec(stdout);
      if (found !== null) return found[1] ?? found[0];
      if (child.exitCode !== null) throw new Error(`ended without ${pattern}: ${stdout}${stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return { child, seen, ended };
}

/** Runs `farthing …` to its end. */
export async function farthing(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  return await start([FARTHING, ...args], env).ended;
}
