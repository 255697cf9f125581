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

  test("after a lost answer a page opens as itself", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world);
    const { page, context } = await visit("/report", [wallet]);
    let lost = 0;
    await page.route("**/report", async (route) => {
      if (lost > 0) return await route.continue();
      lost += 1;
      await route.fetch();
      return await route.abort("connectionreset");
    });
    await page.getByRole("button", { name: PAY }).click();
    await page.getByText("its own script ran").waitFor();
    expect(wallet.signatures()).toBe(1);
    await context.close();
  });

  test("a payment that the publisher refuses is let go, and his reason is told", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world);
    const { page, context } = await visit("/guarded", [wallet]);
    await page.getByRole("button", { name: PAY }).click();
    await page.getByRole("alert").getByText("Not from here.").waitFor();
    await page.getByRole("button", { name: "Try again" }).waitFor();
    expect(wallet.signatures()).toBe(1);
    await context.close();
  });

  test("an error of the handler keeps the payment: asking again presents the same", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world);
    const { page, context, shot } = await visit("/broken", [wallet]);
    const payments = presented(page);
    await page.getByRole("button", { name: PAY }).click();
    await page.getByRole("alert").getByText("answered with an error (500)").waitFor();
    await shot("handler-failed");
    expect(await page.getByRole("button", { name: PAY }).isHidden()).toBe(true);
    await page.getByRole("button", { name: "Ask again" }).click();
    await page.locator("pre").getByText("mended").waitFor();
    expect(wallet.signatures()).toBe(1);
    expect(payments).toHaveLength(2);
    expect(new Set(payments).size).toBe(1);
    await context.close();
  });

  test("no redirect is followed with a payment", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world);
    const { page, context } = await visit("/moved", [wallet]);
    await page.getByRole("button", { name: PAY }).click();
    await page.getByRole("alert").getByText("answered with an error (3xx)").waitFor();
    expect(shop.arrivals).toBe(0);
    await context.close();
  });

  test("an unreachable server is asked for two minutes; then the buyer decides", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world);
    const { page, context } = await visit("/data", [wallet]);
    const payments = presented(page);
    await page.clock.install();
    await page.route("**/data", (route) => route.abort("connectionrefused"));
    await page.getByRole("button", { name: PAY }).click();
    await page.getByRole("status").getByText("Not settled yet.").waitFor();
    const problem = page.getByRole("alert");
    for (let seconds = 0; seconds < 130 && (await problem.isHidden()); seconds += 5)
      await page.clock.runFor(5_000);
    expect(await problem.textContent()).toContain("Your payment is not settled yet");
    expect(payments.length).toBeGreaterThan(3);
    expect(payments.length).toBeLessThan(25);

    await page.unroute("**/data");
    await page.getByRole("button", { name: "Ask again" }).click();
    await page.locator("pre").getByText("report").waitFor();
    expect(wallet.signatures()).toBe(1);
    expect(new Set(payments).size).toBe(1);
    await context.close();
  });

  test("a payment that was used is told; nothing is signed by itself", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world);
    const { page, context, shot } = await visit("/data", [wallet]);
    await page.route("**/data", (route) =>
      route.fulfill({
        status: 409,
        contentType: "application/problem+json",
        body: JSON.stringify({ code: "payment_already_used" }),
      }),
    );
    await page.getByRole("button", { name: PAY }).click();
    await page.getByRole("alert").getByText("The payment was used").waitFor();
    await shot("used");
    expect(wallet.signatures()).toBe(1);
    await page.unroute("**/data");
    await page.getByRole("button", { name: "Pay again with a new payment" }).click();
    expect(wallet.signatures()).toBe(1);
    await page.getByRole("button", { name: PAY }).click();
    await page.locator("pre").getByText("report").waitFor();
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
