import type * as z from "zod/mini";
import { X402Error, type ErrorCode } from "./errors.ts";
import { parseJson } from "./json.ts";

/** A schema of the message layer: what a decoder needs of a zod type. */
export type Schema<T> = z.ZodMiniType<T>;

/**
 * Parses an already decoded value.
 *
 * @param what names the value in the error, for example `PAYMENT-SIGNATURE`.
 * @throws X402Error with the given code, naming the first wrong field.
 */
export function parseValue<T>(schema: Schema<T>, value: unknown, code: ErrorCode, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new X402Error(
    code,
    `${what}: ${issue === undefined ? "is not acceptable" : describeIssue(issue)}`,
  );
}

/** Parses JSON text of at most `maxLength` characters. @throws X402Error, see `parseValue`. */
export function parseText<T>(
  schema: Schema<T>,
  text: string,
  maxLength: number,
  code: ErrorCode,
  what: string,
): T {
  if (text.length > maxLength) {
    throw new X402Error("payload_too_large", `${what}: is longer than ${maxLength} characters`);
  }
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (cause) {
    throw new X402Error(
      code,
      `${what}: ${cause instanceof SyntaxError ? cause.message : "is not valid JSON"}`,
    );
  }
  return parseValue(schema, value, code, what);
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const path = issue.path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("");
  const field = path.startsWith(".") ? path.slice(1) : path;
  const problem =
    issue.code === "invalid_type" ? `must be ${article(issue.expected)}` : issue.message;
  return field === "" ? problem : `${field} ${problem}`;
}

function article(expected: string): string {
  return /^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`;
}
