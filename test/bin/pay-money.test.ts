/** Budgets and lost replies over several commands, with money on a local chain. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPaidShop, type PaidShop } from "./paid-shop.ts";
import { newHome, printed, type WalletHome } from "./wallet-home.ts";

let shop: PaidShop;
beforeAll(async () => {
  shop = await openPaidShop();
});
afterAll(() => shop.close());

/** A wallet with 10 USDC. */
async function fundedHome(): Promise<WalletHome & { spent(): Promise<bigint>; key: string }> {
  const { address, privateKey: key } = shop.world.newAccount();
  await shop.world.fundToken(address, 10_000_000n);
  const spent = async () => 10_000_000n - (await shop.world.balanceOf(address));
  return { ...newHome(key), spent, key };
}

test("five commands at once on a budget of $1 at $0.30 each: three are paid", async () => {
  const home = await fundedHome();
  expect(await home.run(["wallet", "budget", "set", "$1"])).toMatchObject({ code: 0 });
  const ended = await Promise.all(
    Array.from({ length: 5 }, (_, index) => home.run(["pay", `${shop.url}/thirty?copy=${index}`])),
  );
  expect(
    ended
      .map(({ code }) => String(code))
      .toSorted()
      .join(" "),
  ).toBe("0 0 0 3 3");
  expect(await home.spent()).toBe(900_000n);
  const refused = ended.find(({ code }) => code === 3);
  expect(refused?.stdout).toBe("");
  expect(refused?.stderr).toMatch(/budget of \$1 .*has \$0\.1 left.*farthing wallet budgets/);

  const left = await home.run(["wallet", "budgets", "--json"]);
  expect(JSON.parse(left.stdout)).toEqual([
    { number: 1, counts: "everything", window: "ever", limit: "$1", spent: "$0.9", left: "$0.1" },
  ]);
  const dry = await home.run(["pay", `${shop.url}/thirty`, "--dry-run"]);
  expect(dry).toMatchObject({ code: 3 });
  const history = await home.run(["wallet", "history"]);
  expect(history.stdout.match(/ paid +0\.3 USDC/g)).toHaveLength(3);
  expect(history.stdout).toContain("Counted in budgets: $0.9 ever, $0.9 in 24 hours.");
});

test("a budget of a flag counts what earlier commands have paid", async () => {
  const home = await fundedHome();
  const pay = async (flag: string) =>
    (await home.run(["pay", `${shop.url}/cent`, flag, "0.025"])).code;
  expect([await pay("--budget"), await pay("--budget-per-day"), await pay("--budget")]).toEqual([
    0, 0, 3,
  ]);
  expect(await home.spent()).toBe(20_000n);
});

test("a lost reply is exit 5; the same command then gets the content, and pays once", async () => {
  const home = await fundedHome();
  shop.loseReplies(1);
  const lost = await home.run(["pay", `${shop.url}/cent?lost`, "--retries", "0"]);
  expect(lost).toMatchObject({ code: 5, stdout: "" });
  expect(lost.stderr).toMatch(
    /not known whether the payment of 0\.01 USDC.*run the same command again/,
  );
  const pending = await home.run(["wallet", "history"]);
  expect(pending.stdout).toMatch(/ pending +0\.01 USDC/);

  const again = await home.run(["pay", `${shop.url}/cent?lost`]);
  expect(again).toMatchObject({ code: 0 });
  expect(again.stdout).toContain("worth a cent");
  expect(again.stderr).toMatch(/earlier command signed 0\.01 USDC.*\n+Paid 0\.01 USDC/);
  expect(await home.spent()).toBe(10_000n);
});

test("killed while it waits for the reply; the same command then gets it, and pays once", async () => {
  const home = await fundedHome();
  const release = shop.holdReplies();
  const before = shop.payments.length;
  const killed = home.start(["pay", `${shop.url}/cent?killed`]);
  await expect.poll(() => shop.payments.length, { timeout: 10_000 }).toBe(before + 1);
  killed.child.kill("SIGKILL");
  await killed.ended;
  release();

  const again = await home.run(["pay", `${shop.url}/cent?killed`, "--json"]);
  expect(again).toMatchObject({ code: 0 });
  expect(JSON.parse(again.stdout)).toMatchObject({ status: 200, paid: true });
  expect(shop.payments.slice(before)).toEqual([shop.payments[before], shop.payments[before]]);
  expect(await home.spent()).toBe(10_000n);
});

test("--timeout gives up in time; Idempotency-Key names the request", async () => {
  const home = await fundedHome();
  const release = shop.holdReplies();
  const args = ["pay", `${shop.url}/cent?slow`, "--idempotency-key", "order-1"];
  const late = await home.run([...args, "--timeout", "1.5"]);
  expect(late.code).toBe(5);
  expect(late.stderr).toContain("no answer in 1.5 s");
  release();
  expect(await home.run(args)).toMatchObject({ code: 0 });
  expect(await home.spent()).toBe(10_000n);
});

test("what is free needs no payment; no key, signature or password is printed anywhere", async () => {
  const home = await fundedHome();
  const free = await home.run(["pay", `${shop.url}/free`, "--budget", "1"]);
  expect(free).toMatchObject({ code: 0, stdout: "free" });
  const json = await home.run(["pay", `${shop.url}/cent`, "--no-history", "--json"]);
  expect(JSON.parse(json.stdout)).toMatchObject({ paid: true, encoding: "utf-8" });
  const all = printed.join("\n");
  expect(all).not.toContain(home.key.slice(2));
  expect(all).not.toMatch(/[0-9a-f]{130}|payment-signature|PAYMENT-SIGNATURE/);
});
