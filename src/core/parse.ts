import { X402Error, type ErrorCode } from "./errors.ts";
import { parseJson } from "./json.ts";
import { SchemaError, type Schema } from "./schema.ts";

/**
 * Parses an already decoded value.
 *
 * @param what names the value in the error, for example `PAYMENT-SIGNATURE`.
 * @throws X402Error with the given code, naming the first wrong field.
 */
export function parseValue<T>(schema: Schema<T>, value: unknown, code: ErrorCode, what: string): T {
  try {
    return schema(value);
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    const field = error.path === "" ? "" : `${error.path} `;
    throw new X402Error(code, `${what}: ${field}${error.message}`);
  }
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
