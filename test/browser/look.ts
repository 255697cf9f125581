/** How the page looks and reads: schemes of colour, narrow screens, no script, several offers. */
import { expect, test } from "vitest";
import { PAY } from "./content.ts";
import type { Site } from "./visit.ts";
import { testWallet } from "./wallet.ts";

export function lookTests(site: () => Site): void {
  test("without JavaScript it explains the offer", async () => {
    const { page, context, complaints, shot } = await site().visit("/report", [], {
      javaScriptEnabled: false,
    });
    const text = await page.locator("main").first().innerText();
    for (const part of ["Today's report", "0.01 USDC", "Base Sepolia", "needs JavaScript"])
      expect(text).toContain(part);
    await page.getByText(/^0x.{4}….{4}$/).click();
    const payee = site().shop.world.accounts.payee.address;
    expect(await page.getByText(payee, { exact: true }).isVisible()).toBe(true);
    await page.getByText("How does this work?").click();
    expect(await page.getByText("PAYMENT-REQUIRED").isVisible()).toBe(true);
    await shot("no-javascript");
    expect(complaints).toEqual([]);
    await context.close();
  });

  test.each(["light", "dark"] as const)("in %s its texts have enough contrast", async (scheme) => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world, { account: shop.world.newAccount().account });
    const { page, context, shot } = await visit("/choice", [wallet], { colorScheme: scheme });
    await page.getByText("0.01 USDC").first().click();
    await page.getByRole("button", { name: PAY }).click();
    await page.getByRole("alert").getByText("This account has 0 USDC").waitFor();
    await shot(`choice-${scheme}`);
    expect(await page.evaluate(lowContrasts)).toEqual([]);
    await context.close();
  });

  test("at 320 pixels nothing is cut off", async () => {
    const { shop, visit } = site();
    const wallets = [testWallet(shop.world, { name: "A wallet with a rather long name indeed" })];
    const { page, context, shot } = await visit("/choice", wallets, {
      viewport: { width: 320, height: 640 },
      colorScheme: "dark",
    });
    await page.getByRole("button", { name: /Pay with A wallet/ }).waitFor();
    for (const summary of await page.locator("summary").all()) await summary.click();
    await shot("narrow");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
    await context.close();
  });

  test("several offers can be chosen among by keyboard", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world);
    const { page, context, shot } = await visit("/choice", [wallet]);
    await page.getByRole("heading", { name: "Pay 0.02 USDC" }).waitFor();
    expect(await page.getByText("This token is not known here.").count()).toBe(1);
    await page.getByRole("radio").first().focus();
    await page.keyboard.press("ArrowDown");
    await page.getByRole("heading", { name: "Pay 0.01 USDC" }).waitFor();
    await shot("choice");
    await page.getByRole("button", { name: PAY }).click();
    await page.locator("pre").getByText("chosen").waitFor();
    expect(wallet.chainId).toBe(shop.world.chainId);
    await context.close();
  });
}

/** Runs in the page: visible texts whose contrast is below WCAG's AA, with the ratio. */
function lowContrasts(): string[] {
  const channels = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (color: string) => {
    const [r = 0, g = 0, b = 0] = channels(color)
      .slice(0, 3)
      .map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgroundOf = (start: Element): string => {
    for (let element: Element | null = start; element !== null; element = element.parentElement) {
      const { backgroundColor } = getComputedStyle(element);
      if ((channels(backgroundColor)[3] ?? 1) > 0) return backgroundColor;
    }
    return "rgb(255, 255, 255)";
  };
  const low: string[] = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].some(
      (node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim() !== "",
    );
    if (!text || !element.checkVisibility()) continue;
    const [ink, back] = [
      luminance(getComputedStyle(element).color),
      luminance(backgroundOf(element)),
    ];
    const ratio = (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05);
    if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${element.textContent ?? ""}`);
  }
  return low;
}
