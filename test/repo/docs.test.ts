import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { REASONS } from "../../src/core/reasons.ts";

test("docs/reasons.md lists every reason with its message", () => {
  const text = readFileSync("docs/reasons.md", "utf8");
  const table = text.slice(0, text.indexOf("Aliases in the specification"));
  const rows = [...table.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, reason, message]) => [
    reason,
    message,
  ]);
  expect(Object.fromEntries(rows)).toEqual(REASONS);
});
