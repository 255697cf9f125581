/** Bundles what a user would write, as a bundler for browsers and isolates does. */
import { gzipSync } from "node:zlib";
import { build, type BuildOptions, type Metafile } from "esbuild";
import { root } from "./files.ts";

export interface Bundle {
  readonly code: string;
  readonly gzipBytes: number;
  /** Minified bytes by package, and of the largest modules. */
  readonly breakdown: string;
}

/** @throws when something does not resolve for the web, a Node builtin above all. */
export async function bundle(source: string, external: string[] = []): Promise<Bundle> {
  const { code, metafile } = await run(source, { format: "esm", external });
  return {
    code,
    gzipBytes: gzipSync(code, { level: 9 }).length,
    breakdown: breakdown(metafile),
  };
}

/** The same with everything in it, as a classic script: what `node:vm` can run. */
export async function bundleScript(source: string): Promise<string> {
  return (await run(source, { format: "iife" })).code;
}

async function run(
  source: string,
  options: Pick<BuildOptions, "format" | "external">,
): Promise<{ code: string; metafile: Metafile }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: source, resolveDir: root, loader: "ts", sourcefile: "user.ts" },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    platform: "browser",
    conditions: ["worker", "browser"],
    target: "es2023",
    write: false,
    metafile: true,
    logLevel: "silent",
    ...options,
  });
  // A package can map a builtin to nothing for browsers; then it resolves, and fails when it is used.
  const disabled = Object.keys(metafile.inputs).filter((input) => input.startsWith("(disabled):"));
  if (disabled.length > 0) throw new Error(`has no implementation here: ${disabled.join(", ")}`);
  return { code: outputFiles[0]?.text ?? "", metafile };
}

function breakdown(metafile: Metafile): string {
  const parts = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
  const modules = new Map<string, number>();
  const packages = new Map<string, number>();
  for (const [file, { bytesInOutput }] of parts) {
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? "farthing";
    modules.set(file, bytesInOutput);
    packages.set(name, (packages.get(name) ?? 0) + bytesInOutput);
  }
  return `minified bytes by package:\n${largest(packages, 10)}\nlargest modules:\n${largest(modules, 15)}`;
}

function largest(sizes: ReadonlyMap<string, number>, count: number): string {
  const sorted = [...sizes].toSorted(([, a], [, b]) => b - a).slice(0, count);
  return sorted.map(([name, bytes]) => `${String(bytes).padStart(8)}  ${name}`).join("\n");
}
