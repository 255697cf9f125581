import { describe, expect, it } from "vitest";
import { bundle, bundleScript } from "./bundle.ts";
import { runInIsolate } from "./isolate.ts";

const KB = 1000;

/** What a user would write. */
const cases = [
  {
    name: "Hono paywall with exact EVM, hono external",
    source: `
      import { paywall } from "./src/adapters/hono.ts";
      import { exactEvmServer } from "./src/evm/index.ts";
      globalThis.exposed = [paywall, exactEvmServer];`,
    external: ["hono", "hono/*"],
    limit: 20.8 * KB,
  },
  {
    name: "paying fetch with exact EVM, signer passed in",
    source: `
      import { wrapFetchWithPayment } from "./src/client/index.ts";
      import { exactEvmClient } from "./src/evm/index.ts";
      globalThis.exposed = [wrapFetchWithPayment, exactEvmClient];`,
    external: [],
    limit: 12 * KB,
  },
  {
    name: "facilitator app",
    source: `
      import { createFacilitatorApp } from "./facilitator/app.ts";
      globalThis.exposed = [createFacilitatorApp];`,
    external: [],
    limit: Number.POSITIVE_INFINITY,
  },
  {
    name: "facilitator with exact EVM",
    source: `
      import { createFacilitator, createFacilitatorApp, evmChain } from "./facilitator/index.ts";
      import { exactEvmFacilitator } from "./src/evm/facilitator.ts";
      import { memoryLedger } from "./src/ledger/index.ts";
      globalThis.exposed = [createFacilitator, createFacilitatorApp, evmChain, exactEvmFacilitator, memoryLedger];`,
    external: [],
    limit: Number.POSITIVE_INFINITY,
  },
];

describe.each(cases)("$name", ({ source, external, limit }) => {
  const size = Number.isFinite(limit) ? `, under ${limit / KB} kB (gzip)` : "";
  it(`bundles for the web${size}`, async ({ annotate }) => {
    const { gzipBytes, breakdown } = await bundle(source, external);
    await annotate(`${gzipBytes} bytes gzip`);
    expect(gzipBytes, `too large by ${gzipBytes - limit} bytes gzip\n${breakdown}`).toBeLessThan(
      limit,
    );
  });

  it("does nothing while it is loaded", async () => {
    const exposed = runInIsolate(await bundleScript(source)) as unknown[];
    expect(exposed.map((value) => typeof value)).toEqual(exposed.map(() => "function"));
  });
});

describe("the checks themselves", () => {
  it.each(['import "node:fs";', 'import { randomBytes } from "crypto"; randomBytes(1);'])(
    "refuse a Node builtin: %s",
    async (source) => {
      await expect(bundle(source)).rejects.toThrow(/Could not resolve/);
    },
  );

  it.each([
    "setTimeout(() => {}, 1);",
    'try { fetch("https://example.com"); } catch {}',
    "globalThis.exposed = crypto.getRandomValues(new Uint8Array(1));",
    "process.exit();",
  ])("refuse at module scope: %s", (script) => {
    expect(() => runInIsolate(script)).toThrow();
  });
});
