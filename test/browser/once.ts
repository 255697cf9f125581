/** Rule: one signature until the payment's fate is known (rules 22, O2). */
import { expect, test } from "vitest";
import { PAY } from "./content.ts";
import type { Site } from "./visit.ts";
import { testWallet } from "./wallet.ts";

export function onceTests(site: () => Site): void {
  test("while the settlement is pending the same payment is presented again", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world);
    const { address } = shop.world.accounts.payee;
    const before = await shop.world.balanceOf(address);
    const { page, context, shot } = await visit("/report", [wallet]);
    const payments = presented(page);
    shop.failingSettlements = 2;
    await page.getByRole("button", { name: PAY }).click();
    await page.getByRole("status").getByText("Not settled yet.").waitFor();
    await shot("pending");
    await page.getByText("its own script ran").waitFor();
    expect(wallet.signatures()).toBe(1);
    expect(payments.length).toBeGreaterThanOrEqual(3);
    expect(new Set(payments).size).toBe(1);
    expect(await shop.world.balanceOf(address)).toBe(before + 10_000n);
    await context.close();
  });

  test("a reload in the midst goes on with the same payment", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world);
    const { address } = shop.world.accounts.payee;
    const before = await shop.world.balanceOf(address);
    const { page, context } = await visit("/data", [wallet]);
    const payments = presented(page);
    shop.failingSettlements = 2;
    await page.getByRole("button", { name: PAY }).click();
    await page.getByRole("status").getByText("Not settled yet.").waitFor();
    await page.reload();
    await page.locator("pre").getByText("report").waitFor();
    expect(wallet.signatures()).toBe(1);
    expect(new Set(payments).size).toBe(1);
    expect(await shop.world.balanceOf(address)).toBe(before + 10_000n);

    // What was bought is still there after another reload, and is not paid for again.
    await page.reload();
    await page.locator("pre").getByText("report").waitFor();
    expect(await shop.world.balanceOf(address)).toBe(before + 10_000n);
    await context.close();
  });

  test("after a lost answer the same payment is presented again", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world);
    const { address } = shop.world.accounts.payee;
    const before = await shop.world.balanceOf(address);
    const { page, context } = await visit("/data", [wallet]);
    const payments = presented(page);
    let lost = 0;
    await page.route("**/data", async (route) => {
      if (lost > 0) return await route.continue();
      lost += 1;
      await route.fetch(); // it is settled, but its answer does not arrive
      return await route.abort("connectionreset");
    });
    await page.getByRole("button", { name: PAY }).click();
    await page.locator("pre").getByText("report").waitFor();
    expect(wallet.signatures()).toBe(1);
    expect(payments).toHaveLength(2);
    expect(new Set(payments).size).toBe(1);
    expect(await shop.world.balanceOf(address)).toBe(before + 10_000n);
    await context.close();
  });

  test("a refused payment is told with its reason; a new one is signed on a click only", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world);
    const sign = wallet.account;
    // Signs with another key than the account's: no wallet does that, but the facilitator has to notice.
    const stranger = shop.world.newAccount().account;
    wallet.account = { ...sign, signTypedData: (data) => stranger.signTypedData(data) };
    const { page, context, shot } = await visit("/data", [wallet]);
    await page.getByRole("button", { name: PAY }).click();
    await page.getByRole("alert").getByText("The signature is not the payer's signature").waitFor();
    await shot("refused");
    expect(wallet.signatures()).toBe(1);
    wallet.account = sign;
    await page.getByRole("button", { name: PAY }).click();
    await page.locator("pre").getByText("report").waitFor();
    expect(wallet.signatures()).toBe(2);
    await context.close();
  });
}

/** The payments that a page presents, as they are sent. */
function presented(page: Awaited<ReturnType<Site["visit"]>>["page"]): string[] {
  const payments: string[] = [];
  page.on("request", (request) => {
    const payment = request.headers()["payment-signature"];
    if (payment !== undefined) payments.push(payment);
  });
  return payments;
}
