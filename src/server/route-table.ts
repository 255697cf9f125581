/**
 * Route keys of the ecosystem: `"GET /report"`, `"/report"` (any method), `"/items/[id]"`, `"/items/:id"`,
 * `"/items/:id?"`, `"/files/*"` or `"/files/*path"` (and everything below), `"/reports/*.pdf"`, `"/reports/day-:day"`.
 */
export interface RouteTable<T> {
  /** The entry of the first key that a request matches. */
  find(method: string, path: string): T | undefined;
}

const KEY = /^(?:([A-Za-z]+|\*)\s+)?(\/\S*|\*)$/;

/**
 * Compiles route keys. Matching is wider than any router's rather than narrower, so that no spelling of a path gets
 * around a price: percent-encoding is undone, dot segments are resolved, case and doubled or trailing slashes are
 * ignored, HEAD is priced as GET.
 *
 * @throws TypeError for a key that is none.
 */
export function routeTable<T>(routes: Readonly<Record<string, T>>): RouteTable<T> {
  const entries = Object.entries(routes).map(([key, value]) => {
    const [, method = "*", pattern = ""] = KEY.exec(key) ?? [];
    if (pattern === "")
      throw new TypeError(`route "${key}" is not of the form "GET /path" or "/path"`);
    return { method: method.toUpperCase(), pattern: patternOf(key, pattern), value };
  });
  return {
    find(method, path) {
      const priced = method === "HEAD" ? "GET" : method;
      const spellings = spellingsOf(path);
      return entries.find(
        (entry) =>
          (entry.method === "*" || entry.method === priced) &&
          spellings.some((spelling) => matches(entry.pattern, spelling)),
      )?.value;
    },
  };
}

/** @throws TypeError for optional groups, which would match nothing. */
function patternOf(key: string, pattern: string): string[] {
  return segmentsOf(pattern).map((part) => {
    if (isParameter(part)) return part;
    if (/[{}]/.test(part))
      throw new TypeError(
        `route "${key}" has an optional group: write a key for each of its paths`,
      );
    if (/^\*\w+$/.test(part)) return "*";
    return part.replace(/:\w+\?/g, "*").replace(/\[[^\]]+\]|:\w+/g, SOME);
  });
}

/** In a pattern's segment: a parameter beside other text, of a character at least. */
const SOME = "#";

/**
 * Whether a path has the form of a pattern, segment by segment: `reached[i]` says that the first i segments of the
 * pattern match what of the path was looked at. Takes pattern times path, whatever they hold.
 */
function matches(pattern: readonly string[], path: readonly string[]): boolean {
  let reached = afterNothing(pattern);
  for (const segment of path) {
    const next = [false];
    for (const [index, part] of pattern.entries()) {
      const here = reached[index] === true;
      const stays = part === "*" && reached[index + 1] === true;
      const skips = isSkippable(part) && next[index] === true;
      next.push((here && matchesSegment(part, segment)) || stays || skips);
    }
    reached = next;
  }
  return reached[pattern.length] === true;
}

function afterNothing(pattern: readonly string[]): boolean[] {
  const reached = [true];
  for (const part of pattern) reached.push(reached.at(-1) === true && isSkippable(part));
  return reached;
}

const isParameter = (part: string) => /^(?:\[.+\]|:.+)$/.test(part);
const isSkippable = (part: string) => part === "*" || (part.startsWith(":") && part.endsWith("?"));

function matchesSegment(part: string, segment: string): boolean {
  if (part === "*" || isParameter(part)) return true;
  const [first = "", ...rest] = part.split(/[*#]/);
  if (rest.length === 0) return segment === part;
  if (segment.length < part.replaceAll("*", "").length) return false;
  const last = rest.pop() ?? "";
  if (!segment.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = segment.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return segment.length - last.length >= at && segment.endsWith(last);
}

function spellingsOf(path: string): string[][] {
  const spellings = new Map<string, string[][]>();
  for (let text = path, round = 0; round < 4; text = decode(text), round++) {
    if (!spellings.has(text)) spellings.set(text, readingsOf(text));
  }
  return [...spellings.values()].flat();
}

/** Some routers resolve dot segments and take backslashes for slashes; to others these are text like any other. */
function readingsOf(path: string): string[][] {
  if (!/\\|\/\.\.?(?:\/|$)/.test(path)) return [segmentsOf(path)];
  return [/[/\\]+/, /\/+/].flatMap((separator) => [
    segmentsOf(path, separator),
    path.toLowerCase().split(separator).filter(Boolean),
  ]);
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

function segmentsOf(path: string, separator = /[/\\]+/): string[] {
  const segments: string[] = [];
  for (const segment of path.toLowerCase().split(separator)) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  return segments;
}
