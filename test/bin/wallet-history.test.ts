/** `farthing wallet history` and `reconcile`, of payments that are written down here. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fileSpendStore } from "../../src/client/file-spend-store.ts";
import type { Spend } from "../../src/client/index.ts";
import { startLocalWorld, type LocalWorld } from "../../src/testing/index.ts";
import { newHome, type WalletHome } from "./wallet-home.ts";

const PAYEE = `0x${"ab".repeat(20)}`;

let world: LocalWorld;
beforeAll(async () => {
  world = await startLocalWorld();
});
afterAll(() => world.stop());

const spend = (change: Partial<Spend>): Spend => ({
  id: crypto.randomUUID(),
  atMs: Date.now(),
  state: "reserved",
  unit: "USD",
  value: 250_000,
  url: "https://shop.example/report",
  method: "GET",
  host: "shop.example",
  scheme: "exact",
  network: world.network,
  asset: world.token,
  amount: "250000",
  payTo: PAYEE,
  expiresAtMs: Date.now() + 60_000,
  owner: "somebody",
  leaseUntilMs: 0,
  ...change,
});

async function writeSpends(home: WalletHome, spends: readonly Spend[]): Promise<void> {
  const store = fileSpendStore(join(home.folder, "spending"));
  for (const { state, payload, headers, transaction, reason, ...reserved } of spends) {
    await store.reserve({ ...reserved, state: "reserved" }, []);
    await store.update(reserved.id, {
      state,
      ...(payload && { payload }),
      ...(headers && { headers }),
      ...(transaction !== undefined && { transaction }),
      ...(reason !== undefined && { reason }),
    });
  }
  await store.close();
}

test("the history shows the words of others escaped, and no signature", async () => {
  const home = newHome();
  const hostile = "https://shop.example/\u001b[2J\u202e\n";
  const secret = { signature: `0x${"5e".repeat(65)}` };
  await writeSpends(home, [
    spend({ state: "paid", transaction: "\u001b]0;owned\u0007" }),
    spend({ state: "rejected", url: hostile, reason: hostile, payload: secret }),
    spend({ state: "pending", payload: secret, headers: { "PAYMENT-SIGNATURE": "c2VjcmV0" } }),
    spend({ state: "paid", unit: "EURC", network: "eip155:99", asset: "\u001b[31m" }),
  ]);
  const [table, json, two] = await Promise.all([
    home.run(["wallet", "history"]),
    home.run(["wallet", "history", "--json"]),
    home.run(["wallet", "history", "--limit", "2"]),
  ]);
  expect(table).toMatchObject({ code: 0, stderr: "" });
  for (const { stdout } of [table, json, two]) {
    expect(stdout).toMatch(/^[\x20-\x7e\n]*$/);
    expect(stdout).not.toMatch(/5e5e5e|c2VjcmV0/);
  }
  expect(table.stdout).toMatch(/^time \(UTC\).*\n.* paid +250000 of \\u001b\[31m/);
  expect(table.stdout).toContain("rejected   not taken, says the server");
  expect(table.stdout).toContain("$0.75 ever");
  expect(table.stdout).toContain("0.25 EURC ever");
  const { payments, counted } = JSON.parse(json.stdout) as {
    payments: object[];
    counted: object[];
  };
  expect(payments).toHaveLength(4);
  expect(payments[2]).toMatchObject({ state: "rejected", url: hostile, price: "0.25 USDC" });
  expect(counted).toContainEqual({ unit: "EURC", ever: "0.25 EURC", day: "0.25 EURC" });
  expect(two.stdout).not.toContain("rejected");
});

test("reconcile releases what the chain proves was never taken, and says what it cannot ask", async () => {
  const home = newHome();
  const past = Date.now() - 120_000;
  const { address } = world.newAccount();
  const authorization = {
    from: address,
    to: PAYEE,
    value: "250000",
    validAfter: "0",
    validBefore: `${Math.floor(past / 1000)}`,
    nonce: `0x${"77".repeat(32)}`,
  };
  const expired = { atMs: past - 60_000, expiresAtMs: past, payload: { authorization } };
  await writeSpends(home, [
    ...Array.from({ length: 3 }, () => spend({ ...expired, state: "pending" })),
    spend({ ...expired, state: "rejected" }),
    spend({ state: "pending" }),
    spend({ ...expired, state: "pending", network: "eip155:8453" }),
  ]);
  await world.mine(100);
  const { code, stdout, stderr } = await home.run(["wallet", "reconcile", "--rpc", world.rpcUrl]);
  expect(stdout).toContain("eip155:84532: 1 may still be taken");
  expect(stdout).toContain(
    "4 that the chain can be asked about: 0 taken, 4 released ($1 back in the budgets)",
  );
  expect(stderr).toContain("eip155:8453: 1 to ask about, and no endpoint");
  expect(code).toBe(1);
  const history = await home.run(["wallet", "history"]);
  expect(history.stdout).toContain("Counted in budgets: $0.5 ever");
});
