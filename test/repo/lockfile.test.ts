import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { missingEntries } from "./lockfile.mjs";

test.each([
  "package-lock.json",
  "test/interop/package-lock.json",
  "test/consumers/package-lock.json",
])("%s lists the packages of every platform, so that npm ci takes it everywhere", (file) => {
  const { packages } = JSON.parse(readFileSync(file, "utf8")) as {
    packages: Record<string, object>;
  };
  const mend = `run: node test/repo/lockfile.mjs ${file}`;
  expect(Object.keys(missingEntries(packages)), mend).toEqual([]);
});

test("what is missing is found", () => {
  const packages = {
    "node_modules/tool": {
      version: "1.0.0",
      dev: true,
      optionalDependencies: { "@tool/linux-x64": "1.0.0", "@tool/win32-arm64": "1.0.0" },
    },
    "node_modules/@tool/linux-x64": { version: "1.0.0" },
  };
  expect(missingEntries(packages)).toEqual({
    "node_modules/@tool/win32-arm64": {
      version: "1.0.0",
      cpu: ["arm64"],
      dev: true,
      optional: true,
      os: ["win32"],
    },
  });
});
