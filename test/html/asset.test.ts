import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as chains from "viem/chains";
import { KNOWN_ASSETS } from "../../src/evm/index.ts";
import { addChainParameter, CHAINS } from "../../src/html/chains.ts";
import { htmlPaywall } from "../../src/html/index.ts";
import { PAGE_SCRIPT, PAGE_SCRIPT_INTEGRITY, PAGE_SCRIPT_NAME } from "../../src/html/page-asset.ts";
// @ts-expect-error plain JavaScript, so that it runs without a build on every Node we support
import { ASSET_FILE as file, buildAsset as untyped } from "../../src/html/page/build.mjs";
import { get, render } from "./page.ts";

const ASSET_FILE = file as string;
const buildAsset = untyped as () => Promise<string>;
const QUERY = `?x402-asset=${PAGE_SCRIPT_NAME}`;
const page = htmlPaywall();

test("the committed script and style are what their sources build to", async () => {
  const current = readFileSync(ASSET_FILE, "utf8") === (await buildAsset());
  expect(current, "src/html/page-asset.ts is stale: npm run page").toBe(true);
});

test("page and script together are under 15 kB (gzip)", async ({ annotate }) => {
  const [html, script] = [render().html, PAGE_SCRIPT].map(
    (text) => gzipSync(text, { level: 9 }).length,
  );
  await annotate(`page ${html}, script ${script} bytes gzip`);
  expect((html ?? 0) + (script ?? 0)).toBeLessThan(15_000);
});

test("the page names the script that there is, and its hash", () => {
  const hash = createHash("sha256").update(PAGE_SCRIPT).digest("base64");
  expect(PAGE_SCRIPT_INTEGRITY).toBe(`sha256-${hash}`);
  expect(render().html).toContain(`src="${QUERY}" integrity="${PAGE_SCRIPT_INTEGRITY}"`);
});

describe("the script's own request", () => {
  test("is answered with constant bytes that may be kept forever", () => {
    const answers = ["https://shop.example/report", "https://shop.example/other/"].map((url) =>
      page.asset?.(get(url + QUERY)),
    );
    expect(answers[0]).toEqual({
      status: 200,
      headers: {
        "content-type": "text/javascript; charset=utf-8",
        "cache-control": "public, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
      },
      body: PAGE_SCRIPT,
    });
    expect(answers[1]).toEqual(answers[0]);
    expect(page.asset?.(get(`https://shop.example/report${QUERY}`, "HEAD"))?.body).toBeNull();
  });

  test.each([
    ["no query", "https://shop.example/report", "GET"],
    ["another version", "https://shop.example/report?x402-asset=0123456789abcdef.js", "GET"],
    ["more before it", `https://shop.example/report?day=1&${QUERY.slice(1)}`, "GET"],
    ["more after it", `https://shop.example/report${QUERY}&day=1`, "GET"],
    ["another case", `https://shop.example/report${QUERY.toUpperCase()}`, "GET"],
    ["in the fragment", `https://shop.example/report?day=1#${QUERY}`, "GET"],
    ["in another's value", `https://shop.example/report?a=${QUERY}`, "GET"],
    ["in the path", `https://shop.example/report/${encodeURIComponent(QUERY)}`, "GET"],
    ["another method", `https://shop.example/report${QUERY}`, "POST"],
  ])("is no other request: %s", (_, url, method) => {
    expect(page.asset?.({ url, method, headers: new Headers() })).toBe(undefined);
  });

  test("is no other request: whatever", () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => {
        expect(page.asset?.({ method: "GET", url, headers: new Headers() })).toBe(undefined);
      }),
    );
  });
});

describe("the table of chains", () => {
  test("has every chain that we know a token on", () => {
    const known = KNOWN_ASSETS.map(({ network }) => network);
    expect(new Set(Object.keys(CHAINS).map((id) => `eip155:${id}`))).toEqual(new Set(known));
  });

  test.each(Object.keys(CHAINS).map(Number))("agrees with viem's about chain %d", (id) => {
    const known = Object.values(chains).find((chain) => chain.id === id);
    expect(CHAINS[id]).toMatchObject({
      name: known?.name,
      currency: { name: known?.nativeCurrency.name, symbol: known?.nativeCurrency.symbol },
      explorerUrl: known?.blockExplorers?.default.url,
    });
  });

  test("gives wallets https nodes only", () => {
    const urls = Object.keys(CHAINS).flatMap((id) => addChainParameter(Number(id))?.rpcUrls ?? []);
    expect(urls.length).toBeGreaterThan(8);
    expect(urls.filter((url) => !url.startsWith("https://"))).toEqual([]);
  });
});
