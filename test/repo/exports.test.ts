import { join, posix } from "node:path";
import { expect, it } from "vitest";
import { entries, readText, root } from "./files.ts";
import { parseModule } from "./parse-module.ts";

const COMMAND = "npx vitest run test/repo/exports.test.ts --update";
const MESSAGE = `public names changed: if that is intended, run \`${COMMAND}\` and say so in CHANGELOG.md`;

it("every entry exports the names of exports.snapshot.json", async () => {
  const names: Record<string, Record<string, string>> = {};
  for (const { name, source } of entries) names[name] = await exportsOf(source);
  await expect(`${JSON.stringify(names, null, 2)}\n`, MESSAGE).toMatchFileSnapshot(
    "exports.snapshot.json",
  );
}, 60_000);

/** Exported names of a source, sorted, with what they are: a `typeof`, or `type` for what the compiler erases. */
async function exportsOf(source: string): Promise<Record<string, string>> {
  const module = (await import(join(root, source))) as Record<string, unknown>;
  const found = typeNames(source).map((name) => [name, "type"] as const);
  const values = Object.entries(module).map(([name, value]) => [name, typeof value] as const);
  return Object.fromEntries(
    [...found, ...values].toSorted(([a], [b]) => (a < b ? -1 : Number(a > b))),
  );
}

/** Type-only exports, through `export * from`. A name that is a value as well is one of the values. */
function typeNames(source: string): string[] {
  const { types, stars } = parseModule(readText(source)).exports;
  const below = stars.map((star) => posix.join(posix.dirname(source), star));
  return [...types, ...below.flatMap((file) => typeNames(file))];
}
