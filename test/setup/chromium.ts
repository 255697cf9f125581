/** A real Chromium for tests of pages. `npm test` installs it where it is missing (test/setup/prepare.mjs). */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Browser } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** Starts the browser named in CHROMIUM, or found on the path. @throws Error when there is none. */
export async function startChromium(): Promise<Browser> {
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return await chromium.launch({ executablePath: findChromium(), headless: true, args });
}

function findChromium(): string {
  const named = process.env["CHROMIUM"];
  if (named !== undefined) return named;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const found = folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isThere);
  if (found === undefined)
    throw new Error(
      "chromium is missing: run `node test/setup/prepare.mjs`, or name it in CHROMIUM",
    );
  return found;
}

function isThere(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
