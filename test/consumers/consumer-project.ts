/** A project in a temporary folder that has the packed package, and nothing that the package does not declare. */
import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));

/** What the project has besides farthing and its declared dependencies. anvil is for `farthing/testing`. */
const OWN_DEPENDENCIES = ["@types/node", "@foundry-rs/anvil"];

export type Run = { code: number | null; output: string };

export type ConsumerProject = {
  readonly folder: string;
  /** Runs a compiler of this folder's package.json on `app.ts`, output in `folder/<out>`. */
  compile(compiler: string, out: string, compilerOptions: Record<string, unknown>): Promise<Run>;
  /** Runs a script of it with node; gives what it printed. @throws Error when it fails. */
  run(script: string): Promise<string>;
  remove(): Promise<void>;
};

/** Builds and packs the root into a temporary folder (the root's `dist` is left alone) and unpacks it in a new project. */
export async function createConsumerProject(): Promise<ConsumerProject> {
  const temporary = await mkdtemp(join(tmpdir(), "farthing-consumer-"));
  const remove = () => rm(temporary, { recursive: true, force: true });
  try {
    return { ...(await createIn(temporary)), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function createIn(temporary: string): Promise<Omit<ConsumerProject, "remove">> {
  const stage = join(temporary, "stage");
  const folder = join(temporary, "project");
  const installed = join(folder, "node_modules", "farthing");
  await mkdir(stage);
  await mkdir(installed, { recursive: true });

  await must("npm", ["run", "--silent", "build", "--", "--outDir", join(stage, "dist")], root);
  for (const file of ["package.json", "README.md", "CHANGELOG.md", "LICENSE"]) {
    await cp(join(root, file), join(stage, file)).catch(ignoreMissing);
  }
  const { output } = await must(
    "npm",
    ["pack", "--silent", "--ignore-scripts", "--pack-destination", temporary],
    stage,
  );
  await must(
    "tar",
    ["-xzf", join(temporary, output.trim()), "--strip-components=1", "-C", installed],
    folder,
  );

  const manifest: { dependencies: Record<string, string> } = JSON.parse(
    await readFile(join(installed, "package.json"), "utf8"),
  );
  for (const name of [...Object.keys(manifest.dependencies), ...OWN_DEPENDENCIES]) {
    const link = join(folder, "node_modules", name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(root, "node_modules", name), link);
  }
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module", private: true }));
  await cp(join(here, "app.ts.txt"), join(folder, "app.ts"));

  return {
    folder,
    async compile(compiler, out, compilerOptions) {
      const config = join(folder, `tsconfig.${out}.json`);
      await writeFile(
        config,
        JSON.stringify({ files: ["app.ts"], compilerOptions: { ...compilerOptions, outDir: out } }),
      );
      return run(
        process.execPath,
        [join(here, "node_modules", compiler, "bin", "tsc"), "-p", config],
        folder,
      );
    },
    async run(script) {
      return (await must(process.execPath, [script], folder)).output;
    },
  };
}

async function must(command: string, args: string[], cwd: string): Promise<Run> {
  const result = await run(command, args, cwd);
  if (result.code !== 0)
    throw new Error(`${command} ${args.join(" ")}: exit ${result.code}\n${result.output}`);
  return result;
}

/** Runs to the end; output is stdout, and stderr as well when it failed. */
function run(command: string, args: string[], cwd: string): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output: code === 0 ? stdout : stdout + stderr }));
  });
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}
