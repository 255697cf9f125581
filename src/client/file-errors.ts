import { X402Error } from "../core/errors.ts";

/** What to do about it, by the code of the system's error. */
const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full: make room",
  EDQUOT: "the disk quota is used up: make room",
  EFBIG: "the file may not grow any more: raise the limit",
  EACCES: "this user may not read and write it: permit it, or give another path",
  EPERM: "this user may not make it, or its disk knows no hard links: give another path",
  ENOTSUP: "its disk knows no hard links: give a path on another",
  EROFS: "its disk is read-only: give a path that can be written",
  EISDIR: "it is a folder: give the path of a file in it",
  ENOTDIR: "a part of its path is no folder: give another path",
  EMFILE: "too many files are open: raise the limit, or find what leaves them open",
  ENFILE: "too many files are open: raise the limit, or find what leaves them open",
};

/** The error of an operation of a spend store whose file failed. Nothing of it was signed, since that comes after. */
export function fileUnavailable(operation: string, path: string, error: unknown): X402Error {
  const { code = "", message } = error as NodeJS.ErrnoException;
  const why = ADVICE[code] ?? message;
  return new X402Error("ledger_unavailable", `spend store ${path}: ${operation}: ${why}`, {
    // A change may be about a payment that was already sent.
    retry: operation === "update" ? "unsafe" : "safe",
    cause: error,
  });
}
