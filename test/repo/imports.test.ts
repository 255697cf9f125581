import { describe, expect, it } from "vitest";
import { checkImports } from "./check-imports.ts";
import { entries, listFiles, readText } from "./files.ts";

const entrySources = entries.map(({ source }) => source);

it("every source imports only what its folder may", () => {
  const files = listFiles().filter((file) =>
    /^(?:contracts-abi|src|facilitator|bin)\/.*\.ts$|^examples\/.*\.m?[jt]s$/.test(file),
  );
  expect(files.length).toBeGreaterThan(50);
  const problems = files.flatMap((file) => checkImports(file, readText(file), entrySources));
  expect(problems, problems.join("\n")).toEqual([]);
});

describe("the check itself", () => {
  const check = (file: string, source: string) =>
    checkImports(file, `${source}\nexport const x = 1;`, ["src/index.ts"]);

  it.each([
    ["src/core/a.ts", 'import { b } from "./b.ts";'],

    ["src/evm/exact/facilitator.ts", 'import { encodeFunctionData } from "viem";'],
    ["src/evm/exact/client.ts", 'import type { Account } from "viem";'],
    ["src/evm/exact/client.ts", 'import { a } from "../hex.ts";'],
    ["src/evm/signature.ts", 'import { secp256k1 } from "@noble/curves/secp256k1.js";'],
    ["src/ledger/redis.ts", 'import type { Redis } from "ioredis";'],
    ["src/ledger/connect-redis.ts", 'import { Redis } from "ioredis";'],
    ["src/adapters/hono.ts", 'import { basePath } from "hono/route";'],
    ["src/testing/anvil.ts", 'import { spawn } from "node:child_process";'],
    ["facilitator/main.ts", 'import { exactEvmFacilitator } from "../src/evm/facilitator.ts";'],
    ["facilitator/main.ts", 'import { serve } from "@hono/node-server";'],
    ["bin/farthing.ts", 'const main = await import("../facilitator/main.ts");'],
    ["examples/shop.ts", 'import { paywall } from "farthing/hono";'],
    ["examples/shop.ts", 'import { X402Error } from "../src/index.ts";'],
    ["src/core/a.ts", '// import { b } from "viem";'],
  ])("lets %s have: %s", (file, source) => {
    expect(check(file, source)).toEqual([]);
  });

  it.each([
    ["contracts-abi/erc20.ts", 'import { b } from "./permit2.ts";'],
    ["src/core/a.ts", 'import { keccak256 } from "viem";'],
    ["src/core/a.ts", 'import * as z from "zod";'],
    ["src/core/a.ts", 'import * as z from "zod/mini";'],
    ["src/core/a.ts", 'export * from "../client/index.ts";'],
    ["src/core/a.ts", 'import "node:crypto";'],
    ["src/core/a.ts", 'import { b } from "../../facilitator/engine.ts";'],
    ["src/core/a.ts", 'type B = import("viem").Account;'],
    ["src/core/a.ts", 'export const load = () => import("viem");'],
    ["src/core/a.ts", "export const load = (name: string) => import(name);"],
    ["src/core/a.ts", 'import { b } from "./b.js";'],
    ["src/core/a.ts", 'import { b } from "farthing/client";'],
    ["src/evm/exact/client.ts", 'import { toHex } from "viem";'],
    ["src/evm/exact/client.ts", 'import { type Account } from "viem";'],
    ["src/evm/exact/client.ts", 'import type { A } from "../upto/client.ts";'],
    ["src/evm/upto/facilitator.ts", 'import { a } from "../exact/facilitator.ts";'],
    ["src/ledger/redis.ts", 'import { Redis } from "ioredis";'],
    ["src/client/wrap-fetch.ts", 'import { exactEvm } from "../evm/index.ts";'],
    ["src/server/paywall.ts", 'import type { Context } from "hono";'],
    ["src/adapters/hono.ts", 'import express from "express";'],
    ["src/adapters/hono.ts", 'import { a } from "./express.ts";'],
    ["src/testing/anvil.ts", 'import { memoryLedger } from "../ledger/memory.ts";'],
    ["facilitator/engine.ts", 'import { exactEvmFacilitator } from "../src/evm/facilitator.ts";'],
    ["facilitator/app.ts", 'import { serve } from "@hono/node-server";'],
    ["facilitator/engine.ts", 'import { createHash } from "node:crypto";'],
    ["facilitator/engine.ts", 'import { start } from "./main.ts";'],
    ["examples/shop.ts", 'import { a } from "../src/core/amount.ts";'],
    ["src/elsewhere/a.ts", 'import { b } from "./b.ts";'],
  ])("refuses %s: %s", (file, source) => {
    expect(check(file, source)).toHaveLength(1);
  });

  it("refuses barrels, except entries", () => {
    const barrel = 'import { a } from "./a.ts";\nexport { a };\nexport * from "./b.ts";';
    expect(checkImports("src/core/all.ts", barrel, ["src/core/entry.ts"])).toEqual([
      expect.stringContaining("src/core/all.ts:1: only passes on other files"),
    ]);
    expect(checkImports("src/core/entry.ts", barrel, ["src/core/entry.ts"])).toEqual([]);
  });

  it("names file, line, import, rule and what to do", () => {
    expect(check("src/client/a.ts", '\nimport { toHex } from "viem";')).toEqual([
      'src/client/a.ts:2: import of "viem". Rule: src/client knows neither schemes nor frameworks; ' +
        "may import src/core/, src/ledger/, src/client/. What to do: take it as a value in the options, " +
        "so that whoever puts things together passes it in",
    ]);
  });
});
