import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageJson, readText, root } from "./files.ts";
import { codeBlocks, npmScripts, type CodeBlock } from "./markdown.ts";
import { typecheckBlocks } from "./typecheck.ts";

const SHELLS = new Set(["bash", "sh", "shell", "console"]);

describe("README.md", () => {
  it("is there", () => {
    expect(existsSync(join(root, "README.md")), "README.md is missing").toBe(true);
  });

  it.each(["README.md", "docs/paywall.md", "docs/client.md"])(
    "%s has TypeScript that compiles, each block by itself",
    (file) => {
      const blocks = codeBlocks(readText(file)).filter(isTypeScript);
      expect(blocks.length, `${file} shows no \`\`\`ts block`).toBeGreaterThan(0);
      const errors = typecheckBlocks(file.replaceAll(/\W/g, "-"), blocks);
      expect(errors, `${file} (line numbers are its own):\n${errors}`).toBe("");
    },
    120_000,
  );

  it("names npm scripts that exist", () => {
    const blocks = codeBlocks(readText("README.md")).filter(({ language }) => SHELLS.has(language));
    const missing = blocks
      .flatMap(({ code }) => npmScripts(code))
      .filter((name) => !hasScript(name));
    expect(missing, `not in package.json "scripts": ${missing.join(", ")}`).toEqual([]);
  });
});

describe("the checks themselves", () => {
  const fixture = [
    "# Title",
    "",
    "```ts",
    'import { X402Error } from "farthing";',
    "```",
    "",
    "1. In a list:",
    "",
    "   ~~~bash title=x",
    "   npm run --silent build && npm test # npm run commented",
    "     npm start",
    "   ~~~",
    "",
    "````md",
    "```ts",
    "not ours",
    "```",
    "````",
  ].join("\n");

  it("find blocks with language and line", () => {
    expect(codeBlocks(fixture)).toEqual([
      { language: "ts", code: 'import { X402Error } from "farthing";', line: 4 },
      {
        language: "bash",
        code: "npm run --silent build && npm test # npm run commented\n  npm start",
        line: 10,
      },
      { language: "md", code: "```ts\nnot ours\n```", line: 15 },
    ]);
    expect(() => codeBlocks("text\n```ts\nopen")).toThrow("the code block of line 2 is not closed");
  });

  it("find scripts in shell code", () => {
    expect(npmScripts(codeBlocks(fixture)[1]?.code ?? "")).toEqual(["build", "test", "start"]);
    expect(npmScripts("npm install farthing\nnpm ci")).toEqual([]);
    expect(hasScript("no-such-script")).toBe(false);
  });

  it("compile against the package's entries, and find a wrong call", () => {
    const block = (code: string, line: number): CodeBlock => ({ language: "ts", code, line });
    const good = block(
      'import { X402Error } from "farthing";\nconst e: Error | X402Error = new Error();',
      3,
    );
    expect(typecheckBlocks("readme-fixture", [good])).toBe("");
    const unknown = block('import { nothing } from "farthing/client";', 7);
    const wrong = block('import { parseAmount } from "farthing";\nparseAmount(1, "6");', 20);
    const errors = typecheckBlocks("readme-fixture", [good, unknown, wrong]).split("\n");
    expect(errors).toEqual([
      expect.stringMatching(/^block-at-line-20\.ts\(21,13\): error TS2345/),
      expect.stringMatching(/^block-at-line-7\.ts\(7,10\): error TS2305/),
    ]);
  }, 120_000);
});

function isTypeScript({ language }: CodeBlock): boolean {
  return language === "ts" || language === "typescript";
}

function hasScript(name: string): boolean {
  return Object.hasOwn(packageJson.scripts, name);
}
