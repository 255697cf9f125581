import { expect, test } from "vitest";
import { memorySpendStore } from "../../../src/client/memory-spend-store.ts";
import { spendContract } from "./contract.ts";
import { clock, memoryWorld, spendOf } from "./world.ts";

spendContract("spending in memory", memoryWorld);

test("keeps what is open, and the newest 1,000 others; sums stay", async () => {
  const store = memorySpendStore();
  const open = spendOf({ leaseUntilMs: Number.MAX_SAFE_INTEGER, expiresAtMs: 9e15 });
  await store.reserve(open, []);
  await store.update(open.id, { state: "rejected" });
  for (let i = 0; i < 1_500; i++) {
    clock.ms += 700;
    const spend = spendOf();
    await store.reserve(spend, []);
    await store.update(spend.id, { state: i % 2 ? "paid" : "rejected", expiresAtMs: clock.ms });
  }
  const kept = await store.list({ limit: 2_000 });
  expect(kept.length).toBeLessThanOrEqual(1_002);
  expect(kept.at(-1)?.id).toBe(open.id);
  expect(await store.spent("total", "USD", clock.ms)).toBe(1_501 * 300_000);
  expect(await store.spent("total", "USD", clock.ms, 7)).toBeGreaterThanOrEqual(10 * 300_000);
});

test("a payment that is released after its steps were dropped takes nothing from others", async () => {
  const store = memorySpendStore();
  const old = spendOf();
  await store.reserve(old, []);
  await store.update(old.id, { state: "pending" });
  for (let i = 0; i < 700; i++) {
    clock.ms += 1000;
    await store.reserve(spendOf({ value: 1, leaseUntilMs: Number.MAX_SAFE_INTEGER }), []);
  }
  await store.update(old.id, { state: "released" });
  expect(await store.spent("total", "USD", clock.ms - 100_000, 600)).toBe(700 - 99);
  expect(await store.spent("total", "USD", clock.ms)).toBe(700);
});
