import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  entries,
  listFiles,
  packageJson,
  readText,
  root,
  shippedSources,
  sourceOf,
} from "./files.ts";
import { parseModule } from "./parse-module.ts";
import { machineTraces, packageOf } from "./text-checks.ts";

describe("package.json", () => {
  it("says what the package is", () => {
    expect(packageJson).toMatchObject({ name: "farthing", type: "module", license: "Apache-2.0" });
    expect(packageJson.engines.node, "engines.node").toBe(">=20.19");
  });

  it("packs what is built, and no sources or tests", () => {
    expect(packageJson.files).toContain("dist");
    const allowed = /^(?:dist|examples|CHANGELOG\.md|contracts-abi\/local\/[\w.*]+\.sol)$/;
    expect(packageJson.files.filter((file) => !allowed.test(file))).toEqual([]);
    const missing = packageJson.files.filter(
      (file) => file !== "dist" && !existsSync(join(root, file)),
    );
    expect(missing, `"files" names what is not there: ${missing.join(", ")}`).toEqual([]);
  });

  it("comes with its license", () => {
    expect(
      existsSync(join(root, "LICENSE")),
      "LICENSE is missing: add the text of Apache-2.0",
    ).toBe(true);
    expect(readText("LICENSE")).toContain("Apache License");
  });

  it("has a source for every export and command", () => {
    const targets = [
      ...entries.map(({ source }) => source),
      ...Object.values(packageJson.bin).map(sourceOf),
    ];
    const missing = targets.filter((source) => !existsSync(join(root, source)));
    expect(missing, `exports or bin point to what nothing builds: ${missing.join(", ")}`).toEqual(
      [],
    );
    const others = Object.values(packageJson.exports).filter((target) => !target.endsWith(".js"));
    expect(others).toEqual(["./package.json"]);
  });

  it("starts its commands with a shebang", () => {
    for (const source of Object.values(packageJson.bin).map(sourceOf)) {
      expect(readText(source), source).toMatch(/^#!\/usr\/bin\/env node\n/);
    }
  });

  it("depends on exactly what shipped code imports", () => {
    const imported = new Map<string, string>();
    for (const file of shippedSources()) {
      for (const { specifier, line } of parseModule(readText(file)).imports) {
        const name = packageOf(specifier ?? "");
        if (name !== undefined) imported.set(name, `${file}:${line}`);
      }
    }
    const declared = Object.keys({ ...packageJson.dependencies, ...packageJson.peerDependencies });
    const unused = declared.filter((name) => !imported.has(name) && !isResolvedByName(name));
    expect(unused, `no shipped code imports: ${unused.join(", ")}`).toEqual([]);
    const undeclared = [...imported].filter(([name]) => !declared.includes(name));
    const where = undeclared.map(([name, place]) => `${name} (${place})`).join(", ");
    expect(undeclared, `imported, but not in dependencies: ${where}`).toEqual([]);
  });
});

describe("tracked text", () => {
  it("names no package registry and no path of one machine", () => {
    const files = listFiles().filter((file) => !/(?:^|\/)package-lock\.json$/.test(file));
    const traces = files.flatMap((file) => machineTraces(file, readText(file)));
    expect(traces, `write it so that it holds on every machine:\n${traces.join("\n")}`).toEqual([]);
  });

  it("is found when it does", () => {
    const hosts = ["npmjs.org", "yarnpkg.com"].map((host) => `https://registry.${host}/x`);
    const paths = ["work", "root", "home/me", "Users/me"].map((folder) => `cd "/${folder}/main"`);
    for (const text of [...hosts, ...paths]) {
      expect(machineTraces("a.md", `first\n${text}`)).toEqual([
        expect.stringMatching(/^a\.md:2: /),
      ]);
    }
    expect(machineTraces("a.md", "src/work/a.ts https://example.com/root/a ~/work/")).toEqual([]);
  });
});

/** Optional peers may be found at run time, by a name in the source: the anvil binary is. */
function isResolvedByName(name: string): boolean {
  return (
    packageJson.peerDependenciesMeta?.[name]?.optional === true &&
    shippedSources().some((file) => readText(file).includes(name))
  );
}

it("knows the package of an import", () => {
  const specifiers = ["viem", "viem/chains", "@noble/hashes/sha3.js", "./a.ts", "node:fs", ""];
  expect(specifiers.map(packageOf)).toEqual([
    "viem",
    "viem",
    "@noble/hashes",
    undefined,
    undefined,
    undefined,
  ]);
});
