/** What an agent's code weighs in a browser or an isolate: bundled and minified by esbuild, the signer passed in. */
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

export interface Size {
  readonly what: string;
  readonly minified: number;
  readonly gzip: number;
}

const SOURCES: readonly (readonly [string, string])[] = [
  [
    "farthing: wrapFetchWithPayment, exactEvmClient",
    `import { wrapFetchWithPayment } from "./src/client/index.ts";
     import { exactEvmClient } from "./src/evm/index.ts";
     globalThis.x = [wrapFetchWithPayment, exactEvmClient];`,
  ],
  [
    "the same with budgets, a store, known offers, limits of concurrency and no private addresses",
    `import * as client from "./src/client/index.ts";
     import { exactEvmClient } from "./src/evm/index.ts";
     globalThis.x = [client, exactEvmClient];`,
  ],
  [
    "official: @x402/fetch, ExactEvmScheme of @x402/evm",
    `import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
     import { ExactEvmScheme } from "@x402/evm/exact/client";
     globalThis.x = [wrapFetchWithPayment, x402Client, ExactEvmScheme];`,
  ],
];

export async function sizes(root: string): Promise<Size[]> {
  return await Promise.all(
    SOURCES.map(async ([what, contents]) => {
      const { outputFiles } = await build({
        stdin: {
          contents,
          resolveDir: what.startsWith("official") ? `${root}/test/interop` : root,
          loader: "ts",
        },
        bundle: true,
        minify: true,
        write: false,
        format: "esm",
        platform: "browser",
        conditions: ["worker", "browser"],
        target: "es2023",
        logLevel: "error",
      });
      const code = outputFiles[0]!.contents;
      return { what, minified: code.length, gzip: gzipSync(code, { level: 9 }).length };
    }),
  );
}
