import { expect, test } from "vitest";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { memoryLedger } from "../../src/ledger/memory.ts";
import { collectGarbage } from "../setup/garbage.ts";
import { ledgerContract } from "./contract.ts";
import { again, claimOf, holdOf, SHORT, unique } from "./world.ts";

ledgerContract("memory ledger", async () => {
  let nowMs = 1_700_000_000_000;
  const ledger = memoryLedger({ now: () => nowMs });
  return {
    ledger,
    replica: ledger,
    advance: async (ms) => void (nowMs += ms),
    nowMs: () => nowMs,
    stop: () => ledger.close(),
  };
});

test("by default the memory ledger uses the machine's clock", async () => {
  const before = Date.now();
  const { record } = await memoryLedger().claim(claimOf());
  expect(record.createdAtMs).toBeGreaterThanOrEqual(before);
  expect(record.createdAtMs).toBeLessThanOrEqual(Date.now());
});

test("a clock that is set back keeps records and leases for longer, never for less long", async () => {
  let nowMs = 1_000_000;
  const ledger = memoryLedger({ now: () => nowMs });
  const input = claimOf({ leaseMs: SHORT, ttlMs: 2 * SHORT });
  const { record } = await ledger.claim(input);
  nowMs -= 500_000;
  expect((await ledger.claim(again(input))).status).toBe("held");
  expect(await ledger.renew(input.key, record.fence, SHORT)).toBe(true);
  nowMs = 1_000_000 + SHORT;
  expect((await ledger.claim(again(input))).status).toBe("claimed");
});

test("expired records are swept without anybody asking for them", async () => {
  let nowMs = 0;
  const ledger = memoryLedger({ now: () => nowMs });
  const records: WeakRef<object>[] = [];
  // `get` cannot tell a swept record from an expired one; the garbage collector can.
  for (let i = 0; i < 1_000; i++) {
    records.push(new WeakRef((await ledger.claim(claimOf({ leaseMs: 0, ttlMs: 10 }))).record));
  }
  nowMs = 20;
  for (let i = 0; i < 1_000; i++) await ledger.get("somebody-else");
  await collectGarbage();
  expect(records.filter((reference) => reference.deref() !== undefined).length).toBeLessThan(10);
});

test.each([
  ["holds that ended", (ledger: Ledger) => ledger.hold(holdOf({ ttlMs: 100 }))],
  ["transactions that expired", (ledger: Ledger) => ledger.index(unique("0x"), ["k"], 100)],
])("%s are swept without anybody asking for them", async (_, add) => {
  let nowMs = 0;
  const ledger = memoryLedger({ now: () => nowMs });
  await collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 50_000; i++) {
    nowMs++;
    await add(ledger);
  }
  await collectGarbage();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000);
  await ledger.close();
});
