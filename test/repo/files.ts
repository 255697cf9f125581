/** The files of this repository, for tests about it. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/** Files in git, and those that would be added to it; paths from the root, sorted. */
export function listFiles(): string[] {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const output = execFileSync("git", args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
  const files = [...new Set(output.split("\0"))].filter((file) => file !== "");
  return files.filter((file) => existsSync(join(root, file))).toSorted();
}

/** Text of a file, by its path from the root. */
export function readText(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

/** What is used of package.json. */
export interface PackageJson {
  readonly name: string;
  readonly license: string;
  readonly type: string;
  readonly files: readonly string[];
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly engines: { readonly node?: string };
}

export const packageJson = JSON.parse(readText("package.json")) as PackageJson;

/** Source of a built file: `./dist/src/index.js` is built from `src/index.ts`. */
export function sourceOf(target: string): string {
  return target.replace(/^(?:\.\/)?dist\//, "").replace(/\.js$/, ".ts");
}

/** Code entries of the package: name in `exports` (`./client`) and source file. */
export const entries: readonly { readonly name: string; readonly source: string }[] =
  Object.entries(packageJson.exports)
    .filter(([, target]) => target.endsWith(".js"))
    .map(([name, target]) => ({ name, source: sourceOf(target) }));

/** TypeScript files that are in the package. */
export function shippedSources(): string[] {
  return listFiles().filter((file) => /^(?:src|facilitator|bin|contracts-abi)\/.*\.ts$/.test(file));
}
