import { existsSync } from "node:fs";
import { createRequire } from "node:module";

const PLATFORMS: Record<string, string> = {
  "linux x64": "linux-amd64",
  "linux arm64": "linux-arm64",
  "darwin x64": "darwin-amd64",
  "darwin arm64": "darwin-arm64",
  "win32 x64": "win32-amd64",
};

/**
 * Path of the anvil binary: `ANVIL_PATH` if set, else the one of the npm package `@foundry-rs/anvil`
 * for this platform. The binary itself, not the package's Node wrapper, so that killing the process
 * kills anvil.
 *
 * @throws Error, one line with the fix, when there is none.
 */
export function anvilBinary(): string {
  const fromEnv = process.env["ANVIL_PATH"];
  if (fromEnv !== undefined && fromEnv !== "") {
    if (existsSync(fromEnv)) return fromEnv;
    throw new Error(`ANVIL_PATH points to ${fromEnv}, where there is no file`);
  }
  const require = createRequire(import.meta.url);
  const platform = PLATFORMS[`${process.platform} ${process.arch}`];
  const file = process.platform === "win32" ? "anvil.exe" : "anvil";
  for (const from of platform === undefined ? [] : [require, requireOfWrapper(require)]) {
    try {
      const path = from?.resolve(`@foundry-rs/anvil-${platform}/bin/${file}`);
      if (path !== undefined && existsSync(path)) return path;
    } catch {
      // Not installed as seen from there.
    }
  }
  throw new Error(
    "anvil, the local chain, is missing: run `npm install --save-dev @foundry-rs/anvil`, or set ANVIL_PATH to a binary",
  );
}

/** With strict package managers the platform package is visible only from the wrapper package. */
function requireOfWrapper(require: NodeJS.Require): NodeJS.Require | undefined {
  try {
    return createRequire(require.resolve("@foundry-rs/anvil/package.json"));
  } catch {
    return undefined;
  }
}
