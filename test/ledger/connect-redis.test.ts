import { Cluster, Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { connectRedis } from "../../src/ledger/connect-redis.ts";

function connect(url: string): Redis | Cluster {
  const redis = connectRedis(url);
  expect(redis.status).toBe("wait"); // nothing happens before the first operation
  redis.disconnect();
  return redis;
}

describe("connectRedis", () => {
  test("one server: parameters of the URL cannot switch safety off", () => {
    const url = "redis://user:p%40ss@localhost:1/3?autoResendUnfulfilledCommands=true&family=4";
    const redis = connect(url);
    if (!(redis instanceof Redis)) throw new Error("not one server");
    expect(redis.options).toMatchObject({
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
    });
    expect(redis.options).toMatchObject({ username: "user", password: "p@ss", db: 3, port: 1 });
    expect(String(redis.options.family)).toBe("4");
  });

  test.each([
    ["redis://localhost", { host: "localhost", port: 6379 }],
    [" redis://localhost:2\n", { host: "localhost", port: 2 }],
    ["REDISS://localhost:2", { host: "localhost", port: 2, tls: expect.anything() }],
    ["redis://:secret@[::1]:2", { host: "::1", port: 2, password: "secret" }],
  ])("%j is one server", (url, options) => {
    const redis = connect(url);
    expect(redis).toBeInstanceOf(Redis);
    expect(redis.options).toMatchObject(options);
  });

  test.each([
    ["redis-cluster://a:1", ["a:1"]],
    ["redis-cluster://a:1,b:2, c", ["a:1", "b:2", "c:6379"]],
    ["redis://a:1,redis://b:2", ["a:1", "b:2"]],
    ["redis://a:1/,redis://b:2/0", ["a:1", "b:2"]],
    ["redis-cluster://[::1]:1,[::2]", ["::1:1", "::2:6379"]],
    ["redis-cluster://u:p%2C%40@a:1,b:2", ["a:1", "b:2"], { username: "u", password: "p,@" }],
    ["redis://:p@a:1,redis://:p@b:2", ["a:1", "b:2"], { password: "p" }],
    ["rediss://a:1,rediss://b:2", ["a:1", "b:2"], { tls: {} }],
    ["rediss-cluster://a:1,b:2", ["a:1", "b:2"], { tls: {} }],
  ])("%j is a cluster", (url: string, nodes: string[], redisOptions: object = {}) => {
    const cluster = connect(url);
    if (!(cluster instanceof Cluster)) throw new Error("not a cluster");
    expect(startupNodes(cluster)).toEqual(nodes);
    expect(cluster.options).toMatchObject({
      retryDelayOnFailover: 0,
      enableOfflineQueue: false,
      scaleReads: "master",
      redisOptions: {
        ...redisOptions,
        autoResendUnfulfilledCommands: false,
        maxRetriesPerRequest: 0,
        commandTimeout: 2_000,
      },
    });
  });

  test.each([
    "",
    "secret",
    "http://u:secret@host",
    "redis://secret:x y@[/",
    "redis://",
    "redis-cluster://",
    "redis-cluster://a:1,",
    "redis-cluster://a:secret",
    "redis-cluster://a:1/3?secret",
    "redis-cluster://a:1,b:2?secret=1",
    "redis://a:1/1,redis://b:2/1",
    "redis://:secret@a:1,redis://:secret2@b:2",
    "redis://a:1,redis://:secret@b:2",
    "redis://a:1,rediss://b:2",
    "redis-cluster://a:1,http://secret",
  ])("%j is refused, and not repeated", (url) => {
    expect(() => connectRedis(url)).toThrow(TypeError);
    expect(() => connectRedis(url)).not.toThrow(/secret/);
  });
});

function startupNodes(cluster: Cluster): string[] {
  const { startupNodes: nodes } = cluster as unknown as {
    startupNodes: { host: string; port: number }[];
  };
  return nodes.map(({ host, port }) => `${host}:${port}`);
}
