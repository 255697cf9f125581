/**
 * The files of a spend store. `path` says only that it is one. What was done is in `path.1`; when that has grown, in
 * `path.2`, which begins with what `path.1` came to; and so on. Whoever finds that a file was ended makes the next.
 */
import { mkdir, readdir, readFile, realpath, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  complaint,
  createFile,
  headerOf,
  openGeneration,
  readHeader,
  unlessMissing,
} from "./file-generation.ts";
import type { Generation } from "./file-generation.ts";

const DRAFT = "new-";
const DRAFT_LIFETIME_MS = 600_000;

/** Opens the newest file; makes the first, which begins with `empty`. */
export async function openNewest(path: string, empty: unknown): Promise<Generation> {
  const base = await baseOf(path);
  for (let tries = 1; tries <= 20; tries++) {
    const mark = await unlessMissing(readFile(base, "utf8"));
    if (mark !== undefined) readHeader(base, mark);
    const [newest] = await numbersOf(base);
    if (newest !== undefined) {
      if (mark === undefined) await createFile(base, draftOf(base), headerOf());
      const generation = await openGeneration(`${base}.${newest}`, newest);
      if (generation !== undefined) return generation; // else it was removed since: there are newer ones
    } else if (mark === undefined) {
      await createFile(`${base}.1`, draftOf(base), headerOf(empty));
    }
  }
  throw complaint(
    `${base} is there, and the file with a number after its name that holds the payments is not: ` +
      `bring it back, or remove ${base} to begin anew`,
  );
}

/** Sees to it that there is a file after this one; whoever makes it first wins. Removes those before this one. */
export async function createNext(path: string, number: number, snapshot: unknown): Promise<void> {
  const base = await baseOf(path);
  const [newest = 0] = await numbersOf(base);
  if (newest > number) return;
  await createFile(`${base}.${number + 1}`, draftOf(base), headerOf(snapshot));
  for (const old of await numbersOf(base))
    if (old < number) await rm(`${base}.${old}`, { force: true });
  for (const draft of await namesAfter(`${base}.${DRAFT}`)) {
    const file = `${base}.${DRAFT}${draft}`;
    const found = await unlessMissing(stat(file));
    if (found !== undefined && Date.now() - found.mtimeMs > DRAFT_LIFETIME_MS)
      await rm(file, { force: true });
  }
}

/** The path without symbolic links: whoever means the same files has to name them alike. Its folder is made. */
async function baseOf(path: string): Promise<string> {
  await makeFolder(dirname(path));
  const base = await unlessMissing(realpath(path));
  return base ?? join(await realpath(dirname(path)), basename(path));
}

/** For this user only. Not `recursive`, which does not end where no folder can be made, in `/proc` for example. */
async function makeFolder(folder: string): Promise<void> {
  const found = await unlessMissing(stat(folder));
  if (found !== undefined) return;
  if (dirname(folder) !== folder) await makeFolder(dirname(folder));
  await mkdir(folder, { mode: 0o700 }).catch(async (error: unknown) => {
    if ((await unlessMissing(stat(folder))) === undefined) throw error; // else somebody else has made it
  });
}

/** Numbers of the files there are, the newest first. */
async function numbersOf(base: string): Promise<number[]> {
  const names = await namesAfter(`${base}.`);
  const numbers = names.filter((name) => /^[1-9][0-9]*$/.test(name)).map(Number);
  return numbers.toSorted((a, b) => b - a);
}

/** Rests of the names in the folder that begin so. */
async function namesAfter(start: string): Promise<string[]> {
  const name = basename(start);
  const names = await readdir(dirname(start));
  return names.filter((other) => other.startsWith(name)).map((other) => other.slice(name.length));
}

function draftOf(base: string): string {
  return `${base}.${DRAFT}${crypto.randomUUID()}`;
}
