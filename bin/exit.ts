/** Exit codes of the `farthing` command; `farthing <command> --help` lists them. */
export const EXIT = {
  ok: 0,
  /** The work failed: no connection, an unexpected answer. */
  failed: 1,
  /** Wrong arguments or configuration; nothing was done. */
  usage: 2,
  /** Nothing was paid: over a limit or a budget, not confirmed, or no offer that can be paid. */
  refused: 3,
  /** The server answered with an error status. */
  httpError: 4,
  /** A payment was signed, and it is not known whether it was taken. */
  uncertain: 5,
  /** The server does not take the payment that was signed. */
  rejected: 6,
} as const;

/** Wrong arguments or configuration: exit code 2, with a message that says what to do. */
export class UsageError extends Error {}

/** Ends the command with one line on standard error that says what to do. */
export function fail(code: number, message: string): void {
  process.stderr.write(`farthing: ${message}\n`);
  process.exitCode = code;
}
