/** Strict and cheap parsing of what nodes answer. All of it throws `Malformed`. */
import type { Hex } from "../../src/core/scheme.ts";

/** An answer that is not of the form it must have: another endpoint may give a better one. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

const QUANTITY = /^0x[0-9a-fA-F]{1,64}$/;
const HASH = /^0x[0-9a-f]{64}$/;
const ADDRESS = /^0x[0-9a-f]{40}$/;
const DATA = /^0x[0-9a-f]*$/;

export function parseQuantity(value: unknown, what: string): bigint {
  if (typeof value !== "string" || !QUANTITY.test(value)) throw new Malformed(`bad ${what}`);
  return BigInt(value);
}

/** A quantity that is exact as a number. */
export function parseNumber(value: unknown, what: string): number {
  const number = typeof value === "string" && QUANTITY.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw new Malformed(`bad ${what}`);
  return number;
}

const parser =
  (is: (text: string) => boolean) =>
  (value: unknown, what: string): Hex => {
    if (typeof value !== "string") throw new Malformed(`bad ${what}`);
    if (is(value)) return value as Hex;
    const lower = value.toLowerCase();
    if (!is(lower)) throw new Malformed(`bad ${what}`);
    return lower as Hex;
  };

/** 32 bytes, in lower case. */
export const parseHash = parser((text) => HASH.test(text));
/** 20 bytes, in lower case. */
export const parseAddress = parser((text) => ADDRESS.test(text));
/** Any number of bytes, in lower case. */
export const parseData = parser((text) => text.length % 2 === 0 && DATA.test(text));

export function parseObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Malformed(`bad ${what}`);
  return value as Record<string, unknown>;
}

export function parseArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Malformed(`bad ${what}`);
  return value as unknown[];
}

export const toQuantity = (value: bigint | number): Hex => `0x${value.toString(16)}`;
