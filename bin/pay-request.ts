/** The request of `farthing pay`, and the file that its answer goes to. */
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { EXIT, fail, UsageError } from "./exit.ts";
import { cannot } from "./home.ts";

export interface RequestOptions {
  readonly request?: string;
  readonly header: readonly string[];
  readonly data?: string;
  readonly idempotencyKey?: string;
}

/** @throws UsageError */
export function requestOf(options: RequestOptions): RequestInit {
  const headers = new Headers();
  for (const header of options.header) {
    const colon = header.indexOf(":");
    if (colon < 1) throw new UsageError(`-H "${header}" must be of the form "Name: value"`);
    const [name, value] = [header.slice(0, colon).trim(), header.slice(colon + 1).trim()];
    addHeader(headers, name, value, `-H "${name}"`);
  }
  if (options.idempotencyKey !== undefined)
    addHeader(headers, "Idempotency-Key", options.idempotencyKey, "--idempotency-key");
  const body = options.data === undefined ? undefined : readData(options.data);
  if (body !== undefined && !headers.has("content-type")) {
    headers.set("Content-Type", "application/x-www-form-urlencoded");
  }
  const method = options.request ?? (body === undefined ? "GET" : "POST");
  return { method, headers, ...(body !== undefined && { body }) };
}

function addHeader(headers: Headers, name: string, value: string, option: string): void {
  try {
    headers.append(name, value);
  } catch {
    throw new UsageError(`${option} is not a header that can be sent`);
  }
}

function readData(data: string): string | Buffer<ArrayBuffer> {
  if (!data.startsWith("@")) return data;
  try {
    return readFileSync(data === "@-" ? 0 : data.slice(1));
  } catch {
    throw new UsageError(`-d ${data}: the file cannot be read`);
  }
}

export interface OutputFile {
  /** Whether it was written; it says so itself when not, since what was paid for must not be lost then. */
  write(body: Uint8Array): boolean;
  /** Removes the file if it is new and nothing was written. */
  leave(): void;
}

/** Opens the file before anything is paid for it. @throws UsageError when it cannot be written. */
export function openOutput(file: string): OutputFile {
  let isNew = !existsSync(file);
  try {
    closeSync(openSync(file, "a"));
  } catch (error) {
    throw cannot("write", file, error);
  }
  return {
    write(body) {
      try {
        isNew = false;
        writeFileSync(file, body);
        return true;
      } catch (error) {
        fail(
          EXIT.failed,
          `${cannot("write", file, error).message}; the body is on standard output`,
        );
        return false;
      }
    },
    leave() {
      if (isNew) rmSync(file, { force: true });
    },
  };
}
