/** Finding wallets, and what they refuse. */
import { expect, test } from "vitest";
import { PAY } from "./content.ts";
import type { Site } from "./visit.ts";
import { testWallet } from "./wallet.ts";

const SEEN = "report";

export function walletTests(site: () => Site): void {
  test("a wallet on another network is switched", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world, { chainId: 1 });
    const { page, context } = await visit("/data", [wallet]);
    await page.getByRole("button", { name: PAY }).click();
    await page.locator("pre").getByText(SEEN).waitFor();
    expect(wallet.chainId).toBe(shop.world.chainId);
    expect(wallet.signatures()).toBe(1);
    await context.close();
  });

  test("a refused switch is told, and nothing is signed", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world, { chainId: 1 });
    wallet.rejects.add("wallet_switchEthereumChain");
    const { page, context, shot } = await visit("/data", [wallet]);
    await page.getByRole("button", { name: PAY }).click();
    const problem = page.getByRole("alert");
    await problem.getByText("The wallet is not on Base Sepolia.").waitFor();
    await shot("switch-refused");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("problem");
    expect(wallet.signatures()).toBe(0);

    wallet.rejects.clear();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.keyboard.press("Enter"); // the focus is on the wallet's button
    await page.locator("pre").getByText(SEEN).waitFor();
    await context.close();
  });

  test("a chain that the wallet does not know is added", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world, { chainId: 1 });
    wallet.chains.delete(shop.world.chainId);
    const { page, context } = await visit("/data", [wallet]);
    await page.getByRole("button", { name: PAY }).click();
    await page.locator("pre").getByText(SEEN).waitFor();
    expect(wallet.added).toEqual([
      expect.objectContaining({ chainId: "0x14a34", rpcUrls: ["https://sepolia.base.org"] }),
    ]);
    await context.close();
  });

  test("a chain that nobody here knows a node of is told", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world);
    const { page, context, shot } = await visit("/elsewhere", [wallet]);
    await page.getByRole("button", { name: PAY }).click();
    await page.getByRole("alert").getByText("does not know eip155:777777 (chain 777777)").waitFor();
    await shot("unknown-chain");
    expect(wallet.signatures()).toBe(0);
    await context.close();
  });

  test("too little balance is told before anything is signed", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world, { account: shop.world.newAccount().account });
    const { page, context, shot } = await visit("/data", [wallet]);
    await page.getByRole("button", { name: PAY }).click();
    const text = "This account has 0 USDC; the price is 0.01 USDC.";
    await page.getByRole("alert").getByText(text).waitFor();
    await shot("poor");
    expect(wallet.signatures()).toBe(0);

    // Another account is chosen in the wallet: the page follows.
    wallet.account = shop.world.accounts.payer.account;
    await wallet.emit(page, "accountsChanged");
    await page.getByText(`Account ${wallet.account.address.slice(0, 6)}`).waitFor();
    expect(await page.getByRole("alert").isHidden()).toBe(true);
    await page.getByRole("button", { name: PAY }).click();
    await page.locator("pre").getByText(SEEN).waitFor();
    await context.close();
  });

  test("a rejected signature is told; another click asks again", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world);
    wallet.rejects.add("eth_signTypedData_v4");
    const { page, context, shot } = await visit("/data", [wallet]);
    await page.getByRole("button", { name: PAY }).click();
    await page.getByRole("alert").getByText("You have not paid").waitFor();
    await shot("rejected");
    wallet.rejects.clear();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("button", { name: PAY }).click();
    await page.locator("pre").getByText(SEEN).waitFor();
    await context.close();
  });

  test("no wallet at all is told", async () => {
    const { page, context, shot } = await site().visit("/data", []);
    await page.getByRole("status").getByText("No wallet was found in this browser.").waitFor();
    await shot("no-wallet");
    await context.close();
  });

  test("a wallet that is at window.ethereum only is found", async () => {
    const { shop, visit } = site();
    const wallet = testWallet(shop.world, { kind: "eip1193", connected: true });
    const { page, context } = await visit("/data", [wallet]);
    await page.getByText(/Account 0x.* · balance \d+/).waitFor();
    await page.getByRole("button", { name: "Pay with browser wallet" }).click();
    await page.locator("pre").getByText(SEEN).waitFor();
    await context.close();
  });

  test("of two wallets the chosen one is asked", async () => {
    const { shop, visit } = site();
    const first = testWallet(shop.world, { name: "First" });
    const second = testWallet(shop.world, { name: "Second" });
    const { page, context, shot } = await visit("/data", [first, second]);
    await page.getByRole("button", { name: "Pay with Second" }).waitFor();
    await shot("two-wallets");
    await page.getByRole("button", { name: "Pay with Second" }).click();
    await page.locator("pre").getByText(SEEN).waitFor();
    expect([first.signatures(), second.signatures()]).toEqual([0, 1]);
    expect(first.asked).not.toContain("eth_requestAccounts");
    await context.close();
  });
}
