import { afterAll, beforeAll, test } from "vitest";
import { startRedis } from "../../setup/redis.ts";
import type { TestRedis } from "../../setup/redis.ts";
import { storesAgreeWithModel } from "./model.property.ts";
import { fileWorld, memoryWorld, redisWorld } from "./world.ts";

let server: TestRedis;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server.stop());

test("memory, files and Redis give the same answers, and right ones, to whatever is asked", async () => {
  const redis = async () => await redisWorld(server.url);
  const file = async () => await fileWorld(2_000);
  await storesAgreeWithModel([memoryWorld, file, redis], 40);
}, 60_000);

test("memory gives right answers to whatever is asked", async () => {
  await storesAgreeWithModel([memoryWorld], 600);
}, 60_000);
