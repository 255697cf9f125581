/** Paying, and seeing what was paid for. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Site } from "./visit.ts";
import { testWallet } from "./wallet.ts";

export const PAY = "Pay with Test Wallet";

export function contentTests(site: () => Site): void {
  test("a page opens as itself, with its own style and script", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world);
    const before = await shop.world.balanceOf(shop.world.accounts.payee.address);
    const { page, context, complaints, shot } = await visit("/report", [wallet]);
    await page.getByRole("button", { name: PAY }).waitFor();
    await shot("offer-light");
    expect(await page.title()).toBe("Payment required · The Daily Test");

    await page.getByRole("button", { name: PAY }).click();
    await page.getByText("its own script ran").waitFor();
    await shot("bought-page");
    const color = await page.locator("h1").evaluate((h1) => getComputedStyle(h1).color);
    expect(color).toBe("rgb(1, 2, 3)");
    expect(wallet.signatures()).toBe(1);
    expect(await shop.world.balanceOf(shop.world.accounts.payee.address)).toBe(before + 10_000n);
    expect(complaints).toEqual([]);

    // The cookie is out of the page's reach, and shows the page again without another payment.
    expect(await page.evaluate(() => document.cookie)).toBe("");
    await page.reload();
    await page.getByText("its own script ran").waitFor();
    expect(await shop.world.balanceOf(shop.world.accounts.payee.address)).toBe(before + 10_000n);
    await context.close();
  });

  test("a page that was settled before it was made opens as itself too", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world);
    const before = await shop.world.balanceOf(shop.world.accounts.payee.address);
    const { page, context } = await visit("/upfront", [wallet]);
    await page.getByRole("button", { name: PAY }).click();
    await page.getByText("its own script ran").waitFor();
    expect(wallet.signatures()).toBe(1);
    expect(await shop.world.balanceOf(shop.world.accounts.payee.address)).toBe(before + 10_000n);
    await context.close();
  });

  test("without cookies a page is given as a file", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world);
    const { page, context, shot } = await visit("/cookieless", [wallet]);
    await page.getByRole("button", { name: PAY }).click();
    await page.getByRole("link", { name: "Download cookieless.html" }).waitFor();
    await shot("no-cookies");
    expect(await download(page, "Download cookieless.html")).toContain("The report");
    expect(wallet.signatures()).toBe(1);
    await context.close();
  });

  test("JSON is shown in place, with its receipt", async () => {
    const { shop, visit } = site();
    const { page, context, complaints, shot } = await visit("/data", [testWallet(shop.world)]);
    await page.getByRole("button", { name: PAY }).click();
    expect(await page.locator("pre").textContent()).toBe('{\n  "report": 42\n}');
    expect(await page.locator("#content").textContent()).toMatch(
      /Paid 0\.01 USDC\. .*0x[0-9a-f]{64}/,
    );
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("content");
    await shot("bought-json");
    expect(complaints).toEqual([]);
    await context.close();
  });

  test("a picture is shown in place", async () => {
    const { shop, visit } = site();
    const { page, context, complaints, shot } = await visit("/picture", [testWallet(shop.world)]);
    await page.getByRole("button", { name: PAY }).click();
    await page.locator("#content img").waitFor();
    const width = await page.locator("#content img").evaluate(async (image) => {
      await (image as HTMLImageElement).decode();
      return (image as HTMLImageElement).naturalWidth;
    });
    expect(width).toBe(64);
    await shot("bought-picture");
    expect(complaints).toEqual([]);
    await context.close();
  });

  test("a file is offered under its name", async () => {
    const { shop, visit } = site();
    const { page, context, complaints, shot } = await visit("/paper", [testWallet(shop.world)]);
    await page.getByRole("button", { name: PAY }).click();
    expect(await download(page, "Download the paper.pdf")).toBe("%PDF-1.4 a paper");
    await shot("bought-file");
    expect(complaints).toEqual([]);
    await context.close();
  });
}

async function download(
  page: Awaited<ReturnType<Site["visit"]>>["page"],
  name: string,
): Promise<string> {
  const link = page.getByRole("link", { name });
  await link.waitFor();
  const [file] = await Promise.all([page.waitForEvent("download"), link.click()]);
  expect(`Download ${file.suggestedFilename()}`).toBe(name);
  return await readFile(await file.path(), "utf8");
}
