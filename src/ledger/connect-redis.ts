import { Cluster, Redis } from "ioredis";
import { redisClusterLedgerOptions, redisLedgerOptions } from "./redis-options.ts";

/**
 * A Redis client for `redisLedger`. Connects with the first operation and again whenever the connection is lost.
 *
 * - `redis://[user:password@]host[:port][/database]`: one server, or the address of whichever is the primary now.
 *   Parameters cannot override what the ledger relies on.
 * - `redis-cluster://[user:password@]host[:port],host[:port],…`, or several of the URLs above with commas between them:
 *   a Redis Cluster, of which these are some nodes; the client finds the others. One user for all nodes, database 0.
 * - `rediss://` and `rediss-cluster://`: the same with TLS.
 *
 * A comma in a password is written `%2C`.
 */
export function connectRedis(text: string): Redis | Cluster {
  const [, protocol = "", cluster, rest = ""] =
    /^(rediss?)(-cluster)?:\/\/(.*)$/i.exec(text.trim()) ?? [];
  const urls = rest.split(",").map((part) => parseUrl(protocol, part.trim()));
  const [first] = urls;
  if (first === undefined) throw notRedis();
  const redis =
    cluster === undefined && urls.length === 1 ? connectOne(first) : connectCluster(first, urls);
  // Without a listener ioredis writes errors to the console. Every failed operation says so by itself.
  redis.on("error", () => undefined);
  return redis;
}

function connectOne(url: URL): Redis {
  for (const name of Object.keys(redisLedgerOptions)) url.searchParams.delete(name);
  return new Redis(url.href, redisLedgerOptions);
}

function connectCluster(first: URL, urls: readonly URL[]): Cluster {
  for (const { username, password, pathname, search } of urls) {
    const same = username === first.username && password === first.password;
    if (!same && username + password !== "")
      throw new TypeError("the nodes of a Redis Cluster have one user: the URLs name several");
    if (!["", "/", "/0"].includes(pathname) || search !== "")
      throw new TypeError("the URL of a Redis Cluster has neither a database nor parameters");
  }
  const { username, password } = first;
  const tls = first.protocol === "rediss:";
  return new Cluster(
    urls.map(({ hostname, port }) => ({
      host: hostname.replace(/^\[(.*)\]$/, "$1"),
      port: Number(port === "" ? 6379 : port),
    })),
    {
      ...redisClusterLedgerOptions,
      redisOptions: {
        ...redisLedgerOptions,
        ...(username !== "" && { username: decodeURIComponent(username) }),
        ...(password !== "" && { password: decodeURIComponent(password) }),
        ...(tls && { tls: {} }),
      },
      // Certificates are for names: do not look them up beforehand.
      ...(tls && { dnsLookup: (address, done) => done(null, address) }),
    },
  );
}

/** One part of the list: a URL of this protocol, or what follows `//` in one. */
function parseUrl(protocol: string, part: string): URL {
  const text = `${protocol}://${part.replace(new RegExp(`^${protocol}://`, "i"), "")}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === "" || !["redis:", "rediss:"].includes(url.protocol))
    throw notRedis();
  return url;
}

function notRedis(): TypeError {
  // Never its text, which may hold a password.
  return new TypeError(
    "the Redis URL does not begin with redis://, rediss://, redis-cluster:// or rediss-cluster://, or is not a URL",
  );
}
