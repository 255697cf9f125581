/** Programs of the tests' own, as processes that can be killed. */
import { spawn } from "node:child_process";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export interface Script {
  /** What it printed first: one line. */
  readonly line: string;
  readonly pid: number;
  output(): string;
  kill(): Promise<void>;
  /** Resolves with the signal that ended it, or the exit code. */
  readonly ended: Promise<NodeJS.Signals | number | null>;
}

const folder = fileURLToPath(new URL("../../node_modules/.cache/farthing-tests/", import.meta.url));

/** Bundles a TypeScript program for Node; answers the file, which is the same for the same sources. */
export async function bundleProgram(entry: URL): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
    // Packages of CommonJS ask for Node's own modules.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    logLevel: "silent",
  });
  const { contents, hash } = outputFiles[0]!;
  const file = `${folder}${hash.replaceAll(/\W/g, "")}.mjs`;
  writeFileSync(`${file}.${process.pid}`, contents);
  renameSync(`${file}.${process.pid}`, file);
  return file;
}

const running = new Set<() => void>();
process.once("exit", () => {
  for (const kill of running) kill();
});

/** Starts a bundled program, and waits for its first line. */
export async function startScript(file: string, env: Record<string, string>): Promise<Script> {
  const child = spawn(process.execPath, [file], {
    env: { PATH: process.env["PATH"], ...env },
    // Its standard input ends with this process, however this one ends.
    stdio: ["pipe", "pipe", "pipe"],
  });
  const killNow = () => void child.kill("SIGKILL");
  running.add(killNow);
  let output = "";
  const ended = new Promise<NodeJS.Signals | number | null>((resolve) => {
    child.once("close", (code, signal) => {
      running.delete(killNow);
      resolve(signal ?? code);
    });
  });
  const line = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const end = output.indexOf("\n");
      if (end >= 0) resolve(output.slice(0, end));
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    void ended.then((how) => reject(new Error(`the program ended (${how}): ${output}`)));
  });
  return {
    line,
    pid: child.pid!,
    output: () => output,
    ended,
    async kill() {
      killNow();
      await ended;
    },
  };
}
