/** `farthing wallet`: the key, `wallet.json`, balances. */
import { chmodSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as Keystore from "ox/Keystore";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { readConfig } from "../../bin/wallet-config.ts";
import { openPaidShop, type PaidShop } from "./paid-shop.ts";
import { newHome } from "./wallet-home.ts";

const PASSWORD = "correct horse battery";

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
    // Cheap to open, so that the test is quick; others may read it.
    const [key, options] = Keystore.scrypt({ password: PASSWORD, n: 2, r: 8, p: 1 });
    const cheap = { address, ...Keystore.encrypt(privateKey, key, options) };
    const copy = join(home.folder, "copy.json");
    writeFileSync(copy, JSON.stringify(cheap));
    chmodSync(copy, 0o644);
    const [twice, shown, mute, wrong, paid] = await Promise.all([
      home.run(["wallet", "create"], { FARTHING_PASSWORD: PASSWORD }),
      home.run(["wallet", "address", "--keystore", copy]),
      home.run(["pay", `${shop.url}/free`]),
      home.run(["pay", `${shop.url}/cent?wrong`, "--keystore", copy], {
        FARTHING_PASSWORD: "wrong",
      }),
      home.run(["pay", `${shop.url}/cent`, "--keystore", copy, "--password-file", passwordFile]),
    ]);
    expect(twice).toMatchObject({ code: 2 });
    expect(twice.stderr).toContain("is there already");
    expect(shown).toMatchObject({ code: 0, stdout: `${address}\n` });
    expect(shown.stderr).toMatch(/others may read .*copy\.json \(mode 644\): chmod 600/);
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
