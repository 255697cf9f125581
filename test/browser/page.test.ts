/** The page of a 402 in a real Chromium, with a wallet that signs, against the local chain. */
import { afterAll, beforeAll, describe } from "vitest";
import { contentTests } from "./content.ts";
import { lookTests } from "./look.ts";
import { onceTests } from "./once.ts";
import { openSite, type Site } from "./visit.ts";
import { walletTests } from "./wallets.ts";

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(async () => {
  await site?.stop();
});

describe("what was bought is shown", () => {
  contentTests(() => site);
});
describe("wallets", () => {
  walletTests(() => site);
});
describe("one payment", () => {
  onceTests(() => site);
});
describe("the page itself", () => {
  lookTests(() => site);
});
