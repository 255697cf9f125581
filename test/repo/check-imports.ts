/** Holds a source to the rules of `import-rules.ts`. Pure: tests give it made-up sources. */
import { posix } from "node:path";
import { IMPORT_RULES, NEVER_IMPORTED, type ImportRule } from "./import-rules.ts";
import { parseModule, type Import } from "./parse-module.ts";

/**
 * @param file path from the root.
 * @param entries sources of the package's entries: the only barrels, and what examples may import.
 * @returns a message for each violation: file, import, rule, and what to do.
 */
export function checkImports(file: string, source: string, entries: readonly string[]): string[] {
  const rule = IMPORT_RULES.find(({ of }) => of.test(file));
  if (rule === undefined) {
    return [`${file}: no rule says what it may import. Add one to test/repo/import-rules.ts`];
  }
  const { imports, isBarrel } = parseModule(source);
  const problems = imports.flatMap((found) => {
    const problem = problemOf(file, found, rule, entries);
    return problem === undefined ? [] : [`${file}:${found.line}: ${problem}`];
  });
  if (isBarrel && !entries.includes(file)) {
    problems.push(
      `${file}:1: only passes on other files. Rule: no barrels except the package's entries. ` +
        `Import from the files themselves and delete it, or make it an entry in package.json`,
    );
  }
  return problems;
}

function problemOf(
  file: string,
  { specifier, typeOnly }: Import,
  rule: ImportRule,
  entries: readonly string[],
): string | undefined {
  if (specifier === undefined) {
    return "import of a computed name. Rule: imports can be read off the source. Write the name as a literal";
  }
  const target = /^\.\.?\//.test(specifier)
    ? posix.join(posix.dirname(file), specifier)
    : undefined;
  const suffix = posix.extname(file);
  if (target !== undefined && !target.endsWith(suffix)) {
    return `import of "${specifier}". Rule: relative imports name the source. End it in ${suffix}`;
  }
  const guarded = NEVER_IMPORTED.find(({ of }) => target !== undefined && of.test(target));
  const allowed =
    (guarded === undefined || guarded.except.test(file)) &&
    rule.may.some((entry) => isCovered(entry, specifier, target, typeOnly, entries));
  if (allowed) return undefined;
  const may = rule.may.length === 0 ? "nothing" : rule.may.join(", ");
  return (
    `${typeOnly ? "type import" : "import"} of "${specifier}". ` +
    `Rule: ${rule.name}; may import ${may}. What to do: ${rule.advice}`
  );
}

function isCovered(
  entry: string,
  specifier: string,
  target: string | undefined,
  typeOnly: boolean,
  entries: readonly string[],
): boolean {
  if (entry.startsWith("type ")) {
    return typeOnly && isCovered(entry.slice(5), specifier, target, true, entries);
  }
  if (target !== undefined) {
    if (entry === "entries") return entries.includes(target);
    if (entry.endsWith("/*.ts")) return posix.dirname(target) === entry.slice(0, -5);
    return entry.endsWith("/") ? target.startsWith(entry) : target === entry;
  }
  if (entry === "*") return true;
  if (entry === "node:*") return specifier.startsWith("node:");
  return specifier === entry || specifier.startsWith(`${entry}/`);
}
