/** Requests of Node servers as the paywall reads them. */
import type { IncomingMessage } from "node:http";
import type { PaywallRequest } from "../../server/gate.ts";

/**
 * Reads of a request only what is asked for.
 *
 * @param target path and query as the client sent them, where a framework has changed `req.url`.
 */
export function nodeRequest(
  req: IncomingMessage,
  target: string = req.url ?? "/",
  protocol: string = isEncrypted(req) ? "https" : "http",
): PaywallRequest {
  let url: string | undefined;
  return {
    method: req.method ?? "GET",
    get url() {
      url ??= `${protocol}://${hostOf(req)}${pathAndQueryOf(target)}`;
      return url;
    },
    headers: { get: (name) => headerOf(req, name) },
  };
}

function isEncrypted({ socket }: IncomingMessage): boolean {
  return (socket as { readonly encrypted?: boolean }).encrypted === true;
}

/** Path of a request target without query and fragment, which some routers cut off. */
function targetPath(target: string): string {
  return pathAndQueryOf(target).split(/[?#]/, 1)[0] ?? "/";
}

/**
 * Every path that something behind may read in a target: as it came; as `new URL(req.url, base)` reads it, to which
 * `//host/path` is another host's path; and after a `Host` that has a path in it, where these two are put together.
 */
export function targetPaths(req: IncomingMessage, target: string): string[] {
  const paths = [targetPath(target)];
  if (!/^\/(?![/\\])/.test(target)) paths.push(...pathsOf(target, "http://localhost"));
  const host = headerOf(req, "host");
  if (host !== null && /[/?#\\]/.test(host))
    paths.push(...pathsOf(`http://${host.split(", ", 1)[0]}${target}`));
  return paths;
}

function pathsOf(url: string, base?: string): string[] {
  return URL.canParse(url, base) ? [new URL(url, base).pathname] : [];
}

/** A target may be a whole URL (RFC 9112, section 3.2.2); its host is not believed. */
function pathAndQueryOf(target: string): string {
  if (target.startsWith("/")) return target;
  const path = target.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, "");
  return path.startsWith("/") ? path : `/${path}`;
}

/** What was sent as `Host`, unless it is no host and would make something else of the URL. */
function hostOf(req: IncomingMessage): string {
  const host = headerOf(req, "host") ?? headerOf(req, ":authority") ?? "";
  if (host !== lastHost && !isHost(host)) return "localhost";
  lastHost = host;
  return host;
}

/** Most requests have the host of the one before. */
let lastHost: string | undefined;

function isHost(text: string): boolean {
  return /^[^\s/?#@\\]+$/.test(text) && URL.canParse(`http://${text}`);
}

/**
 * From the raw headers: of many that were sent twice, Node's `headers` has the first only; and unless something else
 * asks for them, they need not be made.
 */
function headerOf({ rawHeaders }: IncomingMessage, name: string): string | null {
  const { length } = name;
  const wanted = name.toLowerCase();
  let value: string | null = null;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const sent = rawHeaders[i];
    if (sent?.length !== length || sent.toLowerCase() !== wanted) continue;
    const separator = wanted === "cookie" ? "; " : ", ";
    value = value === null ? (rawHeaders[i + 1] ?? "") : value + separator + rawHeaders[i + 1];
  }
  return value;
}
