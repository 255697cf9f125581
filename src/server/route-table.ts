/** Route keys of the ecosystem: `"GET /report"`, `"/report"` (any method), `"/items/[id]"`, `"/items/:id"`, `"/files/*"`. */
export interface RouteTable<T> {
  /** The entry of the first key that a request matches. */
  find(method: string, path: string): T | undefined;
}

const KEY = /^(?:([A-Za-z]+|\*)\s+)?(\/\S*|\*)$/;

/**
 * Compiles route keys. Matching is wider than any router's rather than narrower, so that no spelling of a path gets
 * around a price: percent-encoding is undone, case and doubled or trailing slashes are ignored, HEAD is priced as GET.
 *
 * @throws TypeError for a key that is none.
 */
export function routeTable<T>(routes: Readonly<Record<string, T>>): RouteTable<T> {
  const entries = Object.entries(routes).map(([key, value]) => {
    const [, method = "*", pattern = ""] = KEY.exec(key) ?? [];
    if (pattern === "")
      throw new TypeError(`route "${key}" is not of the form "GET /path" or "/path"`);
    return { method: method.toUpperCase(), pattern: compile(pattern), value };
  });
  return {
    find(method, path) {
      const priced = method === "HEAD" ? "GET" : method;
      const spellings = spellingsOf(path);
      return entries.find(
        (entry) =>
          (entry.method === "*" || entry.method === priced) &&
          spellings.some((spelling) => entry.pattern.test(spelling)),
      )?.value;
    },
  };
}

function compile(pattern: string): RegExp {
  const source = normalize(pattern)
    .split("/")
    .map((segment) => {
      if (/^(?:\[[^\]]+\]|:[^/]+)$/.test(segment)) return "[^/]+";
      return segment.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
    })
    .join("/");
  return new RegExp(`^${source}$`, "is");
}

function spellingsOf(path: string): string[] {
  const spellings = [normalize(path)];
  for (let decoded = decode(path), rounds = 0; rounds < 3; decoded = decode(decoded), rounds++) {
    spellings.push(normalize(decoded));
  }
  return [...new Set(spellings)];
}

function decode(path: string): string {
  return path.replace(/(?:%[0-9a-f]{2})+/gi, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded;
    }
  });
}

function normalize(path: string): string {
  const single = path.replaceAll("\\", "/").replace(/\/{2,}/g, "/");
  return single.length > 1 ? single.replace(/\/$/, "") : single;
}
