/** One file of a spend store: a first line that says what it begins with, and a line for each operation. */
import { close, constants, fdatasync, fstat, fsync, open, read, write } from "node:fs";
import { link, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";

/** Of plain descriptors: nothing closes them, or complains, when a store is forgotten. */
export const io = {
  close: promisify(close),
  fdatasync: promisify(fdatasync),
  fstat: promisify(fstat),
  fsync: promisify(fsync),
  open: promisify(open),
  read: promisify(read),
  write: promisify(write),
};

const MARK = { farthing: "spend store", version: 1 };
const LINE_FEED = 10;

/** The file, open for reading and for appending. */
export interface Generation {
  readonly number: number;
  readonly snapshot: unknown;
  /** Bytes of the first line. */
  readonly firstBytes: number;
  /** Bytes that were read. */
  size(): number;
  /** Writes lines in one piece, which the kernel puts at the end, and waits until the disk has them. */
  append(lines: readonly string[]): Promise<void>;
  /** Whole lines that were added since the last call. */
  readLines(): Promise<string[]>;
  close(): Promise<void>;
}

/** @returns nothing when there is no such file. */
export async function openGeneration(
  file: string,
  number: number,
): Promise<Generation | undefined> {
  const fd = await unlessMissing(io.open(file, constants.O_RDWR | constants.O_APPEND));
  if (fd === undefined) return undefined;
  let unread = 0;
  let rest = Buffer.alloc(0);

  async function readLines(): Promise<string[]> {
    const parts = [rest];
    for (;;) {
      const { size } = await io.fstat(fd as number);
      const chunk = Buffer.allocUnsafe(Math.max(4096, size - unread));
      const { bytesRead } = await io.read(fd as number, chunk, 0, chunk.length, unread);
      if (bytesRead === 0) break;
      unread += bytesRead;
      parts.push(chunk.subarray(0, bytesRead));
    }
    const bytes = Buffer.concat(parts);
    // What comes after the last line feed is still being written, or was left by a process that was killed.
    const end = bytes.lastIndexOf(LINE_FEED) + 1;
    rest = bytes.subarray(end);
    return bytes.subarray(0, end).toString().split("\n");
  }

  try {
    await syncFolder(file);
    const [first = "", ...lines] = await readLines();
    const snapshot = readHeader(file, first);
    let waiting: string[] = lines;
    return {
      number,
      snapshot,
      firstBytes: Buffer.byteLength(first),
      size: () => unread,
      async append(added) {
        // Begins with a line feed: what a killed process left before it spoils nothing else.
        const bytes = Buffer.from(added.map((line) => `\n${line}\n`).join(""));
        const { bytesWritten } = await io.write(fd, bytes);
        if (bytesWritten < bytes.length) throw complaint("the disk took only a part: make room");
        await io.fdatasync(fd);
      },
      async readLines() {
        const all = [...waiting, ...(await readLines())];
        waiting = [];
        return all;
      },
      close: () => io.close(fd),
    };
  } catch (error) {
    await io.close(fd);
    throw error;
  }
}

/** The first line of a file. */
export function headerOf(snapshot?: unknown): string {
  return `${JSON.stringify({ ...MARK, snapshot })}\n`;
}

/** @throws when it is not the first line of a spend store's file. */
export function readHeader(file: string, line: string): unknown {
  const mark = parse(line) as Partial<typeof MARK & { snapshot: unknown }> | null | undefined;
  if (mark?.farthing !== MARK.farthing)
    throw complaint(`${file} is not a spend store: give the path of one, or of no file yet`);
  if (mark.version !== MARK.version)
    throw complaint(`${file} was written by another version of farthing: use that one`);
  return mark.snapshot;
}

/** Nothing: it is no JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Makes a file, whole or not at all; leaves one that is there alone. */
export async function createFile(file: string, draft: string, text: string): Promise<void> {
  try {
    const fd = await io.open(draft, "wx", 0o600);
    try {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length;)
        at += (await io.write(fd, bytes, at, bytes.length - at)).bytesWritten;
      await io.fsync(fd);
    } finally {
      await io.close(fd);
    }
    await link(draft, file);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Otherwise the disk may have what is in a file, and not that there is one. */
async function syncFolder(file: string): Promise<void> {
  if (process.platform === "win32") return; // which keeps folders by itself
  const fd = await io.open(dirname(file), "r");
  try {
    await io.fsync(fd);
  } finally {
    await io.close(fd);
  }
}

/** @returns nothing when what was asked for is not there. */
export async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

/** What is wrong with the files, in words for whoever runs the store. */
export function complaint(why: string): Error {
  return Object.assign(new Error(why), { code: "COMPLAINT" });
}
