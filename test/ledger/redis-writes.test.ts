import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import { redisLedger } from "../../src/ledger/redis.ts";
import { startRedis, type TestRedis } from "../setup/redis.ts";
import { claimOf } from "./world.ts";

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

describe("commands that travel together", () => {
  test("go to the socket in one write, and each has its own failure", async () => {
    const client = connectRedis(server.url) as Redis;
    const together = redisLedger(client, { prefix: "together" });
    await together.check();
    const inputs = Array.from({ length: 50 }, () => claimOf());
    const claims = await Promise.all(inputs.map((input) => together.claim(input)));
    await redis.hset(`together:settlement:{${inputs[7]!.key}}`, "version", "2");
    const advanceAll = (to: "signed" | "confirmed") =>
      Promise.allSettled(
        inputs.map(({ key }, index) =>
          together.advance(key, { fence: claims[index]!.record.fence, to }),
        ),
      );
    await advanceAll("signed"); // from now on the connection knows the script

    let writes = 0;
    for (const name of ["_write", "_writev"] as const) {
      const original = client.stream[name]!.bind(client.stream) as (...args: unknown[]) => void;
      client.stream[name] = (...args: unknown[]) => {
        writes += 1;
        original(...args);
      };
    }
    const ends = await advanceAll("confirmed");
    expect(writes).toBe(1);
    for (const [index, end] of ends.entries()) {
      if (index === 7)
        expect(end).toMatchObject({ status: "rejected", reason: { retry: "unsafe" } });
      else expect(end).toEqual({ status: "fulfilled", value: true });
    }
    await together.close();
  });
});
