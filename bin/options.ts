/** Values of options, and what is said about wrong ones. */
import { InvalidArgumentError } from "commander";
import { parseAddress, checksumAddress } from "../src/evm/address.ts";
import { hostName } from "../src/client/host-name.ts";
import { parseMoney } from "../src/client/money.ts";
import type { Hex } from "../src/core/scheme.ts";

export const collect = (value: string, earlier: readonly string[]): string[] => [...earlier, value];

export function urlOption(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url.href;
  throw new InvalidArgumentError("It must be an http or https URL.");
}

/** Dollars, or whole tokens of another kind. */
export function moneyOption(value: string): string {
  if (isMoney(value)) return value;
  throw new InvalidArgumentError('It must be dollars such as "0.05", or tokens such as "5 EURC".');
}

export function isMoney(value: string): boolean {
  try {
    return parseMoney(value, "").size === 1;
  } catch {
    return false;
  }
}

/** `example.com`, or `*.example.com` for every host below it. */
export function hostsOption(value: string, earlier: readonly string[]): string[] {
  try {
    hostName(value.replace(/^\*\./, ""));
    return [...earlier, value];
  } catch {
    throw new InvalidArgumentError('It must be a host such as "example.com" or "*.example.com".');
  }
}

export function hostOption(value: string): string {
  try {
    if (value.includes("*")) throw new TypeError("a pattern");
    return hostName(value);
  } catch {
    throw new InvalidArgumentError('It must be one host such as "example.com".');
  }
}

export function addressOption(value: string): Hex {
  const address = parseAddress(value);
  if (address !== undefined) return checksumAddress(address);
  throw new InvalidArgumentError("It must be an address, 0x and 40 hex digits, checksum right.");
}

export function secondsOption(value: string): number {
  const seconds = Number(value);
  if (/^\d+(\.\d+)?$/.test(value) && seconds > 0 && seconds <= 86_400) return seconds;
  throw new InvalidArgumentError("It must be seconds: a number above 0, and at most 86400.");
}

export function countOption(value: string): number {
  if (/^\d{1,6}$/.test(value)) return Number(value);
  throw new InvalidArgumentError("It must be a whole number.");
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const MAX_WINDOW_SECONDS = 31 * 86_400;

/** `day`, `hour`, `week`, or a number with a unit: `90s`, `30m`, `12h`, `7d`. */
export function windowOption(value: string): number {
  const named = { hour: 3600, day: 86_400, week: 604_800 }[value];
  const [, count = "", unit = ""] = /^(\d{1,7})([smhd])$/.exec(value) ?? [];
  const seconds = named ?? Number(count) * (UNITS[unit] ?? 0);
  if (seconds > 0 && seconds <= MAX_WINDOW_SECONDS) return seconds;
  throw new InvalidArgumentError(
    'It must be "hour", "day", "week", or such as "30m" or "31d" (the longest).',
  );
}

/** The opposite. */
export function windowText(seconds: number | undefined): string {
  if (seconds === undefined) return "ever";
  const unit = (["d", "h", "m"] as const).find((name) => seconds % (UNITS[name] ?? 1) === 0) ?? "s";
  return `in ${seconds / (UNITS[unit] ?? 1)}${unit}`;
}
