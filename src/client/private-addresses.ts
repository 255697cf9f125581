import { PaymentRefused } from "./errors.ts";
import { quote } from "./text.ts";

export interface PrivateAddressOptions {
  /**
   * Addresses of a host name, for example by `node:dns`. Without it only names and addresses as they stand in the URL
   * are judged. A name may change its address between this question and the connection; where that matters, the
   * connection itself has to be restricted too.
   */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** How many redirects are followed; default 20. */
  readonly maxRedirects?: number;
}

/**
 * A `fetch` that refuses addresses of this machine and of private networks, on every step of a redirect too: for agents
 * that fetch what others tell them. Wrap it before it is made to pay.
 *
 * It throws `PaymentRefused` with the rule `private_address` before anything is sent there.
 */
export function refusePrivateAddresses(
  fetch: typeof globalThis.fetch,
  options: PrivateAddressOptions = {},
): typeof globalThis.fetch {
  const { resolve, maxRedirects = 20 } = options;

  async function assertPublic(url: URL): Promise<void> {
    const host = url.hostname.replace(/^\[|\]$|\.+$/g, "");
    const addresses = isAddress(host) ? [host] : ((await resolve?.(host)) ?? []);
    if (!isPrivateName(host) && !addresses.some((address) => isPrivateAddress(address))) return;
    const message = `${quote(host)} is an address of this machine or of a private network`;
    throw new PaymentRefused([{ rule: "private_address", message }]);
  }

  return async (input, init) => {
    const request = input instanceof Request ? input : undefined;
    const asked = input instanceof Request ? input.url : input;
    const start = new URL(asked, globalThis.location?.href);
    const method = (init?.method ?? request?.method ?? "GET").toUpperCase();
    let url = start;
    let headers = new Headers(init?.headers ?? request?.headers);
    await assertPublic(url);
    if ((init?.redirect ?? request?.redirect ?? "follow") !== "follow")
      return await fetch(input, init);
    let response = await fetch(input, { ...init, redirect: "manual" });
    for (let step = 0; isRedirect(response); step++) {
      const location = response.headers.get("Location");
      if (location === null || !["GET", "HEAD"].includes(method)) return response;
      if (step === maxRedirects) throw new TypeError("too many redirects");
      const next = new URL(location, url);
      if (next.protocol !== "http:" && next.protocol !== "https:")
        throw new TypeError("redirected to what is no http URL");
      await assertPublic(next);
      if (next.origin !== url.origin) headers = withoutCredentials(headers);
      response.body?.cancel().catch(() => undefined);
      url = next;
      const signal = init?.signal ?? request?.signal ?? null;
      response = await fetch(url.href, { ...init, method, headers, signal, redirect: "manual" });
    }
    // The same answer as fetch's own: where it came from, and that it was redirected.
    if (url === start) return response;
    return Object.defineProperties(response, {
      url: { value: url.href },
      redirected: { value: true },
    });
  };
}

const isRedirect = ({ status }: Response): boolean => [301, 302, 303, 307, 308].includes(status);

function withoutCredentials(headers: Headers): Headers {
  const kept = new Headers(headers);
  for (const name of ["Authorization", "Cookie", "Proxy-Authorization"]) kept.delete(name);
  return kept;
}

const isAddress = (host: string): boolean => host.includes(":") || /^[\d.]+$/.test(host);

/** Names that never leave the machine or the network (RFC 6761, RFC 6762, RFC 8375), and names without a dot. */
const isPrivateName = (host: string): boolean =>
  !isAddress(host) &&
  (!host.includes(".") ||
    /\.(?:localhost|localdomain|local|internal|intranet|lan|home\.arpa|test)$/i.test(host));

const IPV4 = /^\d+(\.\d+){3}$/;

/** Ranges that are not globally reachable (IANA special-purpose address registries). */
function isPrivateAddress(address: string): boolean {
  const text = address.toLowerCase().replace(/%.*/s, "");
  // What is no address is not known to be a public one.
  if (!URL.canParse(text.includes(":") ? `http://[${text}]` : `http://${text}`)) return true;
  if (!text.includes(":")) return !IPV4.test(text) || isPrivateIpv4(text.split(".").map(Number));
  const groups = ipv6Groups(text);
  const [first = 0, second = 0] = groups;
  const last = [groups[6] ?? 0, groups[7] ?? 0].flatMap((group) => [group >> 8, group & 0xff]);
  const isMapped = groups.slice(0, 5).every((group) => group === 0);
  if (isMapped) return groups[5] === 0xffff ? isPrivateIpv4(last) : true;
  if (first === 0x64 && second === 0xff9b && groups.slice(2, 6).every((group) => group === 0))
    return isPrivateIpv4(last);
  if (first === 0x2002)
    return isPrivateIpv4([
      second >> 8,
      second & 0xff,
      (groups[2] ?? 0) >> 8,
      (groups[2] ?? 0) & 0xff,
    ]);
  // Only 2000::/3 is global unicast; documentation and Teredo are not reachable as such.
  if (first >> 13 !== 1) return true;
  if (first === 0x3fff) return second < 0x1000;
  return first === 0x2001 && (second === 0x0db8 || second < 0x0200);
}

function isPrivateIpv4([a = 0, b = 0, c = 0]: readonly number[]): boolean {
  if ([0, 10, 127].includes(a) || a >= 224) return true;
  if (a === 100) return b >= 64 && b < 128;
  if (a === 169) return b === 254;
  if (a === 172) return b >= 16 && b < 32;
  if (a === 192) return b === 168 || (b === 0 && (c === 0 || c === 2)) || (b === 88 && c === 99);
  if (a === 198) return b === 18 || b === 19 || (b === 51 && c === 100);
  return a === 203 && b === 0 && c === 113;
}

/** The eight groups of an IPv6 address. */
function ipv6Groups(text: string): number[] {
  const ipv4 = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const hex =
    ipv4 === null
      ? text
      : `${ipv4[1]}${((Number(ipv4[2]) << 8) | Number(ipv4[3])).toString(16)}:${((Number(ipv4[4]) << 8) | Number(ipv4[5])).toString(16)}`;
  const [head = "", tail] = hex.split("::");
  const parse = (part: string) =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const [start, end] = [parse(head), parse(tail ?? "")];
  return [...start, ...Array<number>(Math.max(0, 8 - start.length - end.length)).fill(0), ...end];
}
