import type { ClusterOptions, RedisOptions } from "ioredis";

const retryStrategy = (times: number): number =>
  Math.min(25 * 2 ** Math.min(times, 5), 500) + Math.random() * 50;

/**
 * Options for an ioredis client whose commands fail closed and fast, and run at most once:
 * `new Redis(url, redisLedgerOptions)`; for a cluster `new Cluster(nodes, redisClusterLedgerOptions)`.
 */
export const redisLedgerOptions = {
  lazyConnect: true,
  connectTimeout: 2_000,
  commandTimeout: 2_000,
  // A connection that stays silent with commands waiting is given up, not only those commands.
  socketTimeout: 4_000,
  // By default ioredis sends commands that were in flight again after it reconnected. Redis may have run them before
  // the connection broke, and others may have acted since. Without, the caller hears of the failure and decides.
  autoResendUnfulfilledCommands: false,
  // 0: commands in flight are rejected as soon as the connection closes, instead of by their timeout.
  maxRetriesPerRequest: 0,
  // The queue would still send what its caller has long been told failed. The ledger waits for the connection itself.
  enableOfflineQueue: false,
  retryStrategy,
  // After a failover a demoted master keeps its connections: leave it. 1: reconnect without sending again.
  reconnectOnError: (error: Error): 1 | false => (error.message.includes("READONLY") ? 1 : false),
} satisfies RedisOptions;

/** Like `redisLedgerOptions`, for a cluster. */
export const redisClusterLedgerOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  clusterRetryStrategy: retryStrategy,
  // Otherwise commands that were in flight when a connection broke are sent again.
  retryDelayOnFailover: 0,
  // What is refused with TRYAGAIN or CLUSTERDOWN was not run, and may be sent again while its caller waits.
  maxRedirections: 8,
  scaleReads: "master",
  redisOptions: redisLedgerOptions,
} satisfies ClusterOptions;
