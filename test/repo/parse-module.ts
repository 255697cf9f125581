/** Imports and exports of a TypeScript source, by vite's parser. */
import { parseAst } from "vitest/node";

export interface Import {
  /** Nothing when it is computed, as in `import(name)`. */
  readonly specifier: string | undefined;
  readonly line: number;
  /** Erased by the compiler: `import type`, `export type … from`, `typeof import("…")`. */
  readonly typeOnly: boolean;
}

export interface Exports {
  readonly values: readonly string[];
  readonly types: readonly string[];
  /** Specifiers of `export * from`. */
  readonly stars: readonly string[];
}

export interface ParsedModule {
  readonly imports: readonly Import[];
  readonly exports: Exports;
  /** It declares nothing and only passes on what others export. */
  readonly isBarrel: boolean;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

/** @throws Error when the source is no TypeScript. */
export function parseModule(source: string): ParsedModule {
  const program = parseAst(source, { lang: "ts" }) as unknown as Node;
  const body = children(program["body"]);
  const imports: Import[] = [];
  visit(program, (node) => {
    const found = importOf(node, source);
    if (found !== undefined) imports.push(found);
  });
  const exports = { values: [] as string[], types: [] as string[], stars: [] as string[] };
  for (const node of body) collectExports(node, exports);
  return { imports, exports, isBarrel: body.length > 0 && body.every(passesOn) };
}

function importOf(node: Node, source: string): Import | undefined {
  const line = source.slice(0, node.start).split("\n").length;
  switch (node.type) {
    case "ImportDeclaration":
      return { specifier: literal(node["source"]), line, typeOnly: node["importKind"] === "type" };
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
      if (!isNode(node["source"])) return undefined;
      return { specifier: literal(node["source"]), line, typeOnly: node["exportKind"] === "type" };
    case "ImportExpression":
      return { specifier: literal(node["source"]), line, typeOnly: false };
    case "TSImportType":
      return { specifier: literal(node["source"]), line, typeOnly: true };
    case "TSExternalModuleReference":
      return { specifier: literal(node["expression"]), line, typeOnly: false };
    default:
      return undefined;
  }
}

function collectExports(
  node: Node,
  found: { values: string[]; types: string[]; stars: string[] },
): void {
  if (node.type === "ExportDefaultDeclaration") found.values.push("default");
  if (node.type === "ExportAllDeclaration") {
    const list = node["exportKind"] === "type" ? found.types : found.values;
    if (isNode(node["exported"])) list.push(name(node["exported"]));
    else found.stars.push(literal(node["source"]) ?? "");
  }
  if (node.type !== "ExportNamedDeclaration") return;
  for (const specifier of children(node["specifiers"])) {
    const isType = node["exportKind"] === "type" || specifier["exportKind"] === "type";
    (isType ? found.types : found.values).push(name(specifier["exported"]));
  }
  const declaration = node["declaration"];
  if (!isNode(declaration)) return;
  if (/^TS(?:Interface|TypeAlias)Declaration$/.test(declaration.type)) {
    found.types.push(name(declaration["id"]));
  } else if (declaration.type === "VariableDeclaration") {
    for (const variable of children(declaration["declarations"])) {
      found.values.push(name(variable["id"]));
    }
  } else found.values.push(name(declaration["id"]));
}

/** An import, or an export without a declaration. */
function passesOn(node: Node): boolean {
  if (node.type === "ExportNamedDeclaration") return !isNode(node["declaration"]);
  return node.type === "ImportDeclaration" || node.type === "ExportAllDeclaration";
}

function visit(node: Node, see: (node: Node) => void): void {
  see(node);
  for (const value of Object.values(node)) {
    for (const child of children(Array.isArray(value) ? value : [value])) visit(child, see);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

function children(value: unknown): Node[] {
  return Array.isArray(value) ? (value as unknown[]).filter(isNode) : [];
}

function literal(node: unknown): string | undefined {
  return isNode(node) && node.type === "Literal" && typeof node["value"] === "string"
    ? node["value"]
    : undefined;
}

function name(node: unknown): string {
  if (!isNode(node)) return "";
  return typeof node["name"] === "string" ? node["name"] : (literal(node) ?? "");
}
