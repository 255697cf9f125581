/** Bounds on JSON from outside, checked before any schema (see AGENTS.md). */
export const MAX_JSON_DEPTH = 8;
export const MAX_OBJECT_KEYS = 64;
/** Below these keys: peers put whole JSON Schemas there, and clients echo them (see docs/decisions/0001). */
const DEEP_KEYS = new Set(["extensions", "outputSchema"]);
export const MAX_EXTENSION_DEPTH = 20;

const FORBIDDEN_KEYS = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Parses JSON text and refuses what is nested too deeply, too wide, or tries to reach a prototype.
 * The caller bounds the length of the text.
 *
 * @throws SyntaxError with a message that is safe to show.
 */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SyntaxError("is not valid JSON");
  }
  assertBounded(value, MAX_JSON_DEPTH, false);
  return value;
}

function assertBounded(value: unknown, levels: number, inExtensions: boolean): void {
  if (typeof value !== "object" || value === null) return;
  if (levels === 0) throw new SyntaxError(`is nested deeper than ${MAX_JSON_DEPTH} levels`);
  if (Array.isArray(value)) {
    for (const item of value) assertBounded(item, levels - 1, inExtensions);
    return;
  }
  const entries = Object.entries(value);
  if (entries.length > MAX_OBJECT_KEYS) {
    throw new SyntaxError(`has an object with more than ${MAX_OBJECT_KEYS} keys`);
  }
  for (const [key, item] of entries) {
    if (FORBIDDEN_KEYS.has(key)) throw new SyntaxError("has a forbidden key");
    const enters = DEEP_KEYS.has(key) && !inExtensions;
    assertBounded(item, enters ? MAX_EXTENSION_DEPTH : levels - 1, inExtensions || enters);
  }
}

/** JSON text of a value with object keys sorted at every depth: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value))
    return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(",")}}`;
}

/** Whether two JSON values are equal; the order of keys does not count, and an undefined entry is none. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    const lists = Array.isArray(a) && Array.isArray(b) && a.length === b.length;
    return lists && a.every((item, index) => isSameJson(item ?? null, b[index] ?? null));
  }
  const count = (value: object) => Object.values(value).filter((item) => item !== undefined).length;
  if (count(a) !== count(b)) return false;
  return Object.entries(a).every(
    ([key, item]) =>
      item === undefined ||
      (Object.hasOwn(b, key) && isSameJson(item, (b as Record<string, unknown>)[key])),
  );
}
