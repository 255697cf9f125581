/** Type-checks code blocks as a strict project that uses this package would. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { entries, packageJson, root } from "./files.ts";
import type { CodeBlock } from "./markdown.ts";

/**
 * @param name of the folder, below node_modules/.cache, that the blocks are written to.
 * @returns what the compiler says, with the line numbers of the document; empty when all is well.
 */
export function typecheckBlocks(name: string, blocks: readonly CodeBlock[]): string {
  const folder = join(root, "node_modules", ".cache", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const files = blocks.map(({ code, line }) => {
    const file = `block-at-line-${line}.ts`;
    writeFileSync(join(folder, file), `${"\n".repeat(line - 1)}${code}\nexport {};\n`);
    return file;
  });
  const paths = Object.fromEntries(
    entries.map((entry) => [entry.name.replace(".", packageJson.name), [join(root, entry.source)]]),
  );
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: {
      noEmit: true,
      paths,
      allowImportingTsExtensions: true,
      rewriteRelativeImportExtensions: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    files,
    include: [],
    exclude: [],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const args = [tsc, "-p", folder, "--pretty", "false"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: "utf8",
  });
  return status === 0 ? "" : `${stdout}${stderr}`.trim() || `tsc ended with ${status}`;
}
