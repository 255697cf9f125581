import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { startRedis } from "./redis.ts";
import type { TestRedis } from "./redis.ts";

export interface TestRedisPair {
  /** Address that always leads to whichever is the primary, as a managed Redis or a virtual IP has it. */
  readonly url: string;
  readonly primary: TestRedis;
  readonly replica: TestRedis;
  /** Waits until the replica has everything that the primary has acknowledged. */
  synced(): Promise<void>;
  /** From now on the replica hears nothing more: what the primary acknowledges is lost by the failover. */
  split(): Promise<void>;
  /** Kills the primary (`kill -9`), makes the replica the primary, and leads `url` to it. */
  failover(): Promise<void>;
  /** The two change places. `url` leads to the new primary, but connections to the old one stay. */
  switchover(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a Redis with a replica, which replicates asynchronously, and an address before both. */
export async function startRedisPair(): Promise<TestRedisPair> {
  const primary = await startRedis({ args: ["--repl-diskless-sync-delay", "0"] });
  const replica = await startRedis({ args: ["--replicaof", `127.0.0.1 ${primary.port}`] });
  const front = await startFront(primary.port);
  const stop = async (): Promise<void> => {
    await front.stop();
    await Promise.all([primary.stop(), replica.stop()]);
  };
  const promote = (): Promise<unknown> => once(replica, (redis) => redis.replicaof("NO", "ONE"));
  const synced = async (): Promise<void> => {
    const offset = await infoOf(primary, "master_repl_offset");
    for (let tries = 0; tries < 500; tries++) {
      const upTo = Number(await infoOf(replica, "slave_repl_offset"));
      const up = (await infoOf(replica, "master_link_status")) === "up";
      if (up && upTo >= Number(offset)) return;
      await sleep(20);
    }
    throw new Error("the replica does not follow");
  };
  try {
    await synced();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: front.url,
    primary,
    replica,
    synced,
    split: async () => void (await promote()),
    failover: async () => {
      await primary.kill();
      await promote();
      front.lead(replica.port);
      front.breakAll();
    },
    switchover: async () => {
      await promote();
      await once(primary, (redis) => redis.replicaof("127.0.0.1", replica.port));
      front.lead(replica.port);
    },
    stop,
  };
}

/** A TCP proxy whose new connections can be led to another server. */
async function startFront(port: number) {
  let target = port;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    upstream.pipe(client);
  });
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lead: (to: number): void => void (target = to),
    breakAll,
    stop: async (): Promise<void> => {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function infoOf(server: TestRedis, field: string): Promise<string | undefined> {
  const info = await once(server, (redis) => redis.info("replication"));
  return new RegExp(`^${field}:(.*?)\\r?$`, "m").exec(info)?.[1];
}

async function once<T>({ url }: TestRedis, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url);
  try {
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}
