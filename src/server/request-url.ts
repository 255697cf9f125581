import type { PaywallRequest } from "./gate.ts";

/** The longest URL that a 402 names: the header has to hold it. */
const MAX_RESOURCE_URL = 1024;

export interface UrlOptions {
  readonly baseUrl?: string | undefined;
  readonly trustForwarded?: boolean | undefined;
}

/** Path and query of a request, as it came. */
function pathAndQuery(url: string): string {
  const scheme = url.indexOf("://");
  const slash = url.indexOf("/", scheme < 0 ? 0 : scheme + 3);
  return slash < 0 ? "/" : url.slice(slash);
}

/** Path of a request without its query. */
export function pathOf(url: string): string {
  return pathAndQuery(url).split("?", 1)[0] ?? "/";
}

/**
 * Makes the URL of a request as clients see it, which behind a proxy is not the request's own. Payments are bound to it,
 * so it has to be the same on every server of a site.
 *
 * @throws TypeError for a `baseUrl` that is none.
 */
export function publicUrls({
  baseUrl,
  trustForwarded,
}: UrlOptions): (request: PaywallRequest) => string {
  if (baseUrl !== undefined && !/^https?:$/.test(protocolOf(baseUrl))) {
    throw new TypeError(`baseUrl "${baseUrl}" is not a URL such as "https://api.example.com"`);
  }
  const base = baseUrl?.replace(/\/+$/, "");
  return (request) => {
    if (base !== undefined) return base + pathAndQuery(request.url);
    const outside = trustForwarded === true ? forwarded(request) : undefined;
    return outside ?? request.url;
  };
}

function forwarded({ headers, url }: PaywallRequest): string | undefined {
  const first = (name: string) => headers.get(name)?.split(",", 1)[0]?.trim();
  const protocol = first("X-Forwarded-Proto") ?? protocolOf(url).slice(0, -1);
  const host = first("X-Forwarded-Host") ?? new URL(url).host;
  const text = `${protocol}://${host}`;
  const usable = /^https?$/i.test(protocol) && URL.canParse(text) && new URL(text).host !== "";
  return usable && /^[^/?#@\\\s]+$/.test(host) ? text + pathAndQuery(url) : undefined;
}

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : "";
}

/** Where a URL is too long for a 402, it is named without its query. */
export function shortened(url: string): string {
  return url.length <= MAX_RESOURCE_URL
    ? url
    : (url.split("?", 1)[0] ?? url).slice(0, MAX_RESOURCE_URL);
}
