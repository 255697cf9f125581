import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ROWS } from "./behaviour-rows.ts";
import { openSite } from "./behaviour-sites.ts";

// The reference writes errors to the console.
beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => undefined));
afterEach(() => void vi.restoreAllMocks());

describe.each(ROWS)("$name", ({ probe, official, ours = official }) => {
  test("the reference", async () => {
    expect(await probe(await openSite("official"))).toEqual(official);
  });
  test("ours", async () => {
    expect(await probe(await openSite("ours"))).toEqual(ours);
  });
});

test("docs/reference-behaviour.md has these rows, and says which are different", () => {
  const text = readFileSync(new URL("../../docs/reference-behaviour.md", import.meta.url), "utf8");
  const rows = text
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(1)
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .map(([, name, , , verdict = ""]) => [name, verdict.startsWith("same") ? "same" : "different"]);
  expect(rows).toEqual(
    ROWS.map(({ name, ours }) => [name, ours === undefined ? "same" : "different"]),
  );
});
