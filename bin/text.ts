/** Text for a terminal. */
import { formatAmount } from "../src/core/amount.ts";
import { human } from "../src/client/money.ts";
import { findAsset, KNOWN_ASSETS } from "../src/evm/assets.ts";

/** Text of others for a terminal: nothing but printable ASCII. */
export const escaped = (text: string): string => text.replace(/[^\x20-\x7e]/g, escapeUnit);

/** The same for a text of several lines. */
export const escapedLines = (text: string): string => text.replace(/[^\x20-\x7e\n\t]/g, escapeUnit);

const escapeUnit = (unit: string): string =>
  `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** At most this long, with an ending that says that there was more. */
export const short = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 3)}...`;

/** An amount by our own table of tokens: `0.01 USDC`. */
export function tokens(amount: string | bigint, network: string, asset: string): string {
  const known = findAsset(KNOWN_ASSETS, network, asset);
  return known === undefined
    ? `${amount} of ${escaped(asset)}`
    : `${formatAmount(BigInt(amount), known.decimals)} ${known.symbol}`;
}

/** Millionths of a unit, as budgets count: `$0.01`, `5 EURC`. */
export const money = (millionths: number, unit: string): string =>
  human(formatAmount(BigInt(millionths), 6), unit);

/** Lines with columns of equal width. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

/** One JSON value on standard output. */
export function printJson(value: unknown): void {
  const plain = (_: string, item: unknown) => (typeof item === "bigint" ? item.toString() : item);
  // Escaped, so that it is the same JSON and harmless on a terminal.
  process.stdout.write(`${escapedLines(JSON.stringify(value, plain, 2))}\n`);
}

export const print = (text: string): void => void process.stdout.write(text);
export const note = (text: string): void => void process.stderr.write(`${text}\n`);

/** What a thrown value says, for a terminal; the cause is what a failed `fetch` is about. */
export function messageOf(error: unknown): string {
  const cause = error instanceof TypeError ? (error.cause ?? error) : error;
  if (!(cause instanceof Error)) return escaped(String(cause));
  // Several addresses were tried: each has its own reason.
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : undefined;
  return escaped(first instanceof Error ? first.message : cause.message);
}
