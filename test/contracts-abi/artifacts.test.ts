import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { LONG } from "../fault/world.ts";
// @ts-expect-error plain JavaScript, so that it runs without a build on every Node we support
import { buildArtifacts as untyped } from "../../contracts-abi/local/compile.mjs";

const buildArtifacts = untyped as (permit2: boolean) => { file: string; text: string }[];

test("the committed artifacts are what the Solidity beside them compiles to", () => {
  // That the real Permit2 is what was deployed, its canonical address tells (test/testing/permit2.test.ts); here: long.
  const artifacts = buildArtifacts(LONG);
  expect(artifacts.length).toBeGreaterThan(0);
  for (const { file, text } of artifacts) {
    expect(readFileSync(file, "utf8") === text, `${file} is stale: npm run contracts`).toBe(true);
  }
}, 60_000);
