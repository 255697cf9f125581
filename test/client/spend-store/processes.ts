/** Processes that spend, see `worker.ts`. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "../../repo/files.ts";
import type { WorkerOptions } from "./worker.ts";

export interface Worker {
  /** What it has said so far, line by line; a line that was cut short is left out. */
  lines(): string[][];
  /** Waits for a line that begins with this word. */
  said(word: string): Promise<string[]>;
  kill(): Promise<void>;
  /** When it has ended by itself. */
  readonly ended: Promise<void>;
}

/** Builds the worker into a folder. */
export async function buildWorker(folder: string): Promise<string> {
  const outfile = join(folder, "worker.cjs");
  await build({
    entryPoints: [join(root, "test/client/spend-store/worker.ts")],
    bundle: true,
    platform: "node",
    format: "cjs",
    logLevel: "silent",
    outfile,
  });
  return outfile;
}

export function startWorker(script: string, options: WorkerOptions): Worker {
  const child = spawn(process.execPath, [script, JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  const waiting = new Set<() => void>();
  child.stdout.on("data", (chunk: Buffer) => {
    text += String(chunk);
    for (const wake of waiting) wake();
  });
  // After its output was read to the end.
  const ended = new Promise<void>((resolve) => void child.once("close", () => resolve()));
  const lines = (): string[][] =>
    text
      .slice(0, text.lastIndexOf("\n") + 1)
      .split("\n")
      .map((line) => line.split(" "));
  return {
    lines,
    said: (word) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const line = lines().find(([first]) => first === word);
          if (line === undefined) return;
          waiting.delete(look);
          resolve(line);
        };
        waiting.add(look);
        look();
        void ended.then(() => reject(new Error(`ended without saying ${word}`)));
      }),
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
    ended,
  };
}
