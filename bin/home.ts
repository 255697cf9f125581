/** The folder of a wallet, and files in it that are whole or not there. */
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { UsageError } from "./exit.ts";
import { escaped, note } from "./text.ts";

/** `$FARTHING_HOME`, else `$XDG_DATA_HOME/farthing`, else `~/.farthing`. */
export function homeFolder(): string {
  const { FARTHING_HOME: own, XDG_DATA_HOME: data } = process.env;
  if (own !== undefined && own !== "") return resolve(own);
  if (data !== undefined && data !== "") return resolve(data, "farthing");
  return join(homedir(), ".farthing");
}

export const keystorePath = (): string => join(homeFolder(), "keystore.json");
export const configPath = (): string => join(homeFolder(), "wallet.json");
export const spendingPath = (): string => join(homeFolder(), "spending");

/** Makes a file that is not there yet, for its owner alone. @throws UsageError when it is there. */
export function writeNew(file: string, text: string): void {
  const draft = writeDraft(file, text);
  try {
    linkSync(draft, file);
  } catch (error) {
    throw isCode(error, "EEXIST")
      ? new UsageError(`${file} is there already: give another file, or move it away`)
      : cannot("write", file, error);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Puts a file in the place of another. */
export function replaceFile(file: string, text: string): void {
  const draft = writeDraft(file, text);
  try {
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw cannot("write", file, error);
  }
}

function writeDraft(file: string, text: string): string {
  const draft = `${file}.new-${crypto.randomUUID()}`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const fd = openSync(draft, "wx", 0o600);
    try {
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    return draft;
  } catch (error) {
    rmSync(draft, { force: true });
    throw cannot("write", file, error);
  }
}

/** Warns when others than the owner may read a file that holds a secret. */
export function warnIfReadable(file: string): void {
  if (process.platform === "win32") return; // which has other permissions
  const { mode } = statSync(file);
  if ((mode & 0o077) !== 0) {
    const bits = (mode & 0o777).toString(8);
    note(`farthing: warning: others may read ${escaped(file)} (mode ${bits}): chmod 600 it`);
  }
}

export const isMissing = (error: unknown): boolean => isCode(error, "ENOENT");

export function cannot(what: "read" | "write", file: string, error: unknown): UsageError {
  const { code = "an error" } = error as NodeJS.ErrnoException;
  return new UsageError(`${file} cannot be ${what === "read" ? "read" : "written"}: ${code}`);
}

const isCode = (error: unknown, code: string): boolean =>
  (error as NodeJS.ErrnoException).code === code;
