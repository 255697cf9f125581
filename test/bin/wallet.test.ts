/** `farthing wallet`: the key, `wallet.json`, balances, the history. */
import { chmodSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { readConfig } from "../../bin/wallet-config.ts";
import { fileSpendStore } from "../../src/client/file-spend-store.ts";
import type { Spend } from "../../src/client/index.ts";
import { openPaidShop, type PaidShop } from "./paid-shop.ts";
import { newHome, type WalletHome } from "./wallet-home.ts";

const PASSWORD = "correct horse battery";
const GEYSER = `0x${"ab".repeat(20)}`;

let shop: PaidShop;
beforeAll(async () => {
  shop = await openPaidShop();
});
afterAll(() => shop.close());
afterEach(() => void vi.unstubAllEnvs());

describe("keys", () => {
  test("imported, locked, and paid with; modes, warnings and wrong passwords", async () => {
    const { privateKey, address } = shop.world.accounts.payer;
    const home = newHome();
    const imported = await home.run(["wallet", "import"], {
      EVM_PRIVATE_KEY: privateKey,
      FARTHING_PASSWORD: PASSWORD,
    });
    expect(imported).toMatchObject({ code: 0, stderr: "" });
    expect(imported.stdout).toContain(address);
    const file = join(home.folder, "keystore.json");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(home.texts()).not.toContain(privateKey.slice(2));

    const passwordFile = join(newHome().folder, "password");
    writeFileSync(passwordFile, `${PASSWORD}\r\nanother line\n`, { mode: 0o600 });
    chmodSync(file, 0o644);
    const [twice, shown, mute, wrong, paid] = await Promise.all([
      home.run(["wallet", "create"], { FARTHING_PASSWORD: PASSWORD }),
      home.run(["wallet", "address"]),
      home.run(["pay", `${shop.url}/free`]),
      home.run(["pay", `${shop.url}/cent?wrong`], { FARTHING_PASSWORD: "wrong" }),
      home.run(["pay", `${shop.url}/cent`, "--password-file", passwordFile]),
    ]);
    expect(twice).toMatchObject({ code: 2 });
    expect(twice.stderr).toContain("is there already");
    expect(shown).toMatchObject({ code: 0, stdout: `${address}\n` });
    expect(shown.stderr).toMatch(/others may read .*keystore\.json \(mode 644\): chmod 600/);
    expect(mute).toMatchObject({ code: 2 });
    expect(mute.stderr).toContain("set FARTHING_PASSWORD, or give --password-file");
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toContain("the password is wrong, or the file is damaged");
    expect(paid).toMatchObject({ code: 0 });
    expect(paid.stdout).toContain("worth a cent");

    const rpc = `${shop.world.rpcUrl}/?key=secret-of-mine`;
    const dead = "eip155:8453=http://127.0.0.1:9/secret-of-mine";
    const balance = await home.run(["wallet", "balance", "--rpc", rpc, "--rpc", dead]);
    expect(balance.code).toBe(1);
    expect(balance.stdout).toMatch(/eip155:84532 \(testnet\) +999\.99 USDC/);
    expect(balance.stderr).toContain("eip155:8453: endpoint 1: no connection");
    const wrongChain = `eip155:1=${rpc}`;
    const other = await home.run(["wallet", "balance", "--rpc", wrongChain, "--json"]);
    expect(JSON.parse(other.stdout)).toMatchObject({
      address,
      balances: [{ network: "eip155:1", error: expect.stringContaining("of another chain") }],
    });
    for (const { stdout, stderr } of [balance, other])
      expect(stdout + stderr).not.toContain("secret-of-mine");

    const overview = await home.run(["wallet"]);
    for (const part of [address, "No budgets", "Last payments", "released", "paid"])
      expect(overview.stdout).toContain(part);
  });

  test("on a terminal the password is asked for twice, and not shown", async () => {
    const home = newHome();
    const again: [RegExp, string] = [/again: /, `${PASSWORD}\u007fy`];
    const made = await home.onTerminal(
      ["wallet", "create"],
      [[/New password.*: /, PASSWORD], again],
    );
    expect(made.code).toBe(0);
    expect(made.stdout).not.toContain("horse");
    expect(statSync(home.folder).mode & 0o077).toBe(0);

    const other = newHome();
    const short = await other.onTerminal(
      ["wallet", "import"],
      [
        [/Private key: /, "11".repeat(32)],
        [/New password.*: /, PASSWORD],
        [/again: /, "something else"],
      ],
    );
    expect(short.code).toBe(2);
    expect(short.stdout).toContain("not the same; nothing was written");
    expect(short.stdout).not.toContain("1111");
    expect(readdirSync(other.folder)).toEqual([]);
  });
});

describe("budgets", () => {
  test("are set, changed, listed and removed", async () => {
    const home = newHome();
    const set = async (...args: string[]) => await home.run(["wallet", "budget", "set", ...args]);
    expect((await set("5", "--per", "day")).stdout).toBe(
      "Added: at most $5 in 1d for everything\n",
    );
    expect((await set("$6", "--per", "24h")).stdout).toContain("Changed: at most $6");
    expect((await set("0.5", "--host", "Api.Example.com")).stdout).toContain("for api.example.com");
    const listed = await home.run(["wallet", "budget", "list"]);
    expect(listed.stdout).toMatch(
      /1 +everything +in 1d +\$6 +\$0 +\$6\n2 +api\.example\.com +ever/,
    );
    expect((await home.run(["wallet", "budget", "remove", "1"])).stdout).toContain("Removed");
    expect(home.texts()).not.toContain("86400");
    expect(statSync(join(home.folder, "wallet.json")).mode & 0o777).toBe(0o600);
  });

  test.each([
    ["{", "is no JSON"],
    ['{"budgets":[{"limit":5}]}', 'budgets.0.limit must be dollars such as "5"'],
    ['{"budgets":[{"limit":"much"}]}', "budgets.0.limit must be dollars"],
    ['{"budgets":[{"limit":"5","window":60}]}', "window"],
    ['{"rpc":{"base":"https://example.com/secret"}}', "eip155:8453"],
    ['{"rpc":{"eip155:1":"secret"}}', "rpc.eip155:1"],
  ])("a wrong wallet.json is told with its field: %s", (text, says) => {
    const { folder } = newHome();
    vi.stubEnv("FARTHING_HOME", folder);
    writeFileSync(join(folder, "wallet.json"), text);
    const message = messageOf(readConfig);
    expect(message).toContain(says);
    expect(message).toContain(join(folder, "wallet.json"));
    expect(message).not.toContain("secret");
  });

  test("a wrong wallet.json stops a payment: exit 2", async () => {
    const home = newHome(`0x${"11".repeat(32)}`);
    writeFileSync(join(home.folder, "wallet.json"), "{");
    const { code, stderr } = await home.run(["pay", `${shop.url}/cent`]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^farthing: .*wallet\.json is no JSON/);
  });
});

function messageOf(act: () => unknown): string {
  try {
    act();
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

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
  network: shop.world.network,
  asset: shop.world.token,
  amount: "250000",
  payTo: GEYSER,
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
  const { address } = shop.world.newAccount();
  const authorization = {
    from: address,
    to: GEYSER,
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
  await shop.world.mine(100);
  const { code, stdout, stderr } = await home.run([
    "wallet",
    "reconcile",
    "--rpc",
    shop.world.rpcUrl,
  ]);
  expect(stdout).toContain("eip155:84532: 1 may still be taken");
  expect(stdout).toContain(
    "4 that the chain can be asked about: 0 taken, 4 released ($1 back in the budgets)",
  );
  expect(stderr).toContain("eip155:8453: 1 to ask about, and no endpoint");
  expect(code).toBe(1);
  const history = await home.run(["wallet", "history"]);
  expect(history.stdout).toContain("Counted in budgets: $0.5 ever");
});
