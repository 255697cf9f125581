/** What all tests in the browser share: one browser, one shop, and a context of its own for every visit. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { startChromium } from "../setup/chromium.ts";
import { openShop, type Shop } from "./shop.ts";
import { install, type TestWallet } from "./wallet.ts";

export interface Site {
  readonly shop: Shop;
  /** Opens a path of the shop in a browser with these wallets. */
  visit(
    path: string,
    wallets: readonly TestWallet[],
    options?: BrowserContextOptions,
  ): Promise<Visit>;
  stop(): Promise<void>;
}

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of the page's console, and requests to anybody but the shop. */
  readonly complaints: string[];
  /** Keeps a picture of the page in the folder SCREENSHOTS, if one is named. */
  shot(name: string): Promise<void>;
}

/** A wait that is lost should fail its own test, not the run's time limit. */
const PATIENCE_MS = 10_000;

export async function openSite(): Promise<Site> {
  const [shop, browser] = await Promise.all([openShop(), startChromium()]);
  return {
    shop,
    visit: (path, wallets, options) => visit(browser, shop, path, wallets, options),
    async stop() {
      await browser.close();
      await shop.stop();
    },
  };
}

async function visit(
  browser: Browser,
  shop: Shop,
  path: string,
  wallets: readonly TestWallet[],
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE_MS);
  await install(context, shop.world, wallets);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    // The 402 itself, and answers that are asked for again, are reported by Chromium as failed loads.
    const isStatus = message.text().startsWith("Failed to load resource: the server responded");
    if (message.type() === "error" && !isStatus) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!/^(?:data|blob):/.test(request.url()) && !request.url().startsWith(shop.url))
      complaints.push(request.url());
  });
  await page.goto(shop.url + path);
  return {
    page,
    context,
    complaints,
    async shot(name) {
      const folder = process.env["SCREENSHOTS"];
      if (folder === undefined) return;
      mkdirSync(folder, { recursive: true });
      await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
    },
  };
}
