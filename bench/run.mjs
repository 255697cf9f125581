// Bundles a benchmark and runs it: `node bench/run.mjs settle [options]`. TypeScript does not run on Node 20 as it is.
// `bench/<name>/main.ts` is the benchmark, `bench/<name>/subject.ts`, if any, the process that it measures.
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { spawnSync } from "node:child_process";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const [name = "", ...args] = process.argv.slice(2);
const folder = join(here, name);
if (name === "" || !existsSync(join(folder, "main.ts"))) {
  console.error("Usage: node bench/run.mjs <benchmark> [options], for example: settle --quick");
  process.exit(2);
}
if (!existsSync(join(here, "node_modules", "secp256k1"))) {
  const npm = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  const { status } = spawnSync("npm", npm, { cwd: here, stdio: "inherit" });
  if (status !== 0) process.exit(1);
}

/** Packages stay outside the bundle, those of the interop tests too. */
const packages = {
  name: "packages",
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === "entry-point" ? undefined : { path, external: true },
    );
    onResolve({ filter: /^\..*\/node_modules\// }, ({ path, resolveDir }) => ({
      path: pathToFileURL(join(resolveDir, path)).href,
      external: true,
    }));
  },
};

// Beside the private packages, so that the bundle finds them and the root's.
const out = join(here, "node_modules", ".cache", name);
rmSync(out, { recursive: true, force: true });
await build({
  entryPoints: ["main.ts", "subject.ts"].map((file) => join(folder, file)).filter(existsSync),
  outdir: out,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: true,
  outExtension: { ".js": ".mjs" },
  plugins: [packages],
  logLevel: "warning",
});

process.argv = [process.argv[0], join(out, "main.mjs"), ...args];
await import(pathToFileURL(join(out, "main.mjs")).href);
