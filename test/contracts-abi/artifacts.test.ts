import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
// @ts-expect-error plain JavaScript, so that it runs without a build on every Node we support
import { buildArtifacts as untyped } from "../../contracts-abi/local/compile.mjs";

const buildArtifacts = untyped as () => { file: string; text: string }[];

test("the committed artifacts are what the Solidity beside them compiles to", () => {
  const artifacts = buildArtifacts();
  expect(artifacts.length).toBeGreaterThan(0);
  for (const { file, text } of artifacts) {
    expect(readFileSync(file, "utf8") === text, `${file} is stale: npm run contracts`).toBe(true);
  }
}, 60_000);
