import { decodeBase64, encodeBase64 } from "./base64.ts";
import { X402Error, type ErrorCode } from "./errors.ts";
import { parseText } from "./parse.ts";
import type { Schema } from "./schema.ts";

/** Header names of x402 v2 and v1 (HTTP transport specification). */
export const PAYMENT_REQUIRED = "PAYMENT-REQUIRED";
export const PAYMENT_SIGNATURE = "PAYMENT-SIGNATURE";
export const PAYMENT_RESPONSE = "PAYMENT-RESPONSE";
export const X_PAYMENT = "X-PAYMENT";
export const X_PAYMENT_RESPONSE = "X-PAYMENT-RESPONSE";
/** Ours: `1` from the page for people, which can reload; `reload` to it, where a reload shows what was paid for. */
export const X_402_PAGE = "X-402-PAGE";

/** Longest header value that is decoded, in characters. */
export const MAX_HEADER_LENGTH = 8192;

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** Header value of a message: base64 (standard alphabet) of its UTF-8 JSON. */
export function encodeHeader(value: unknown): string {
  return encodeBase64(JSON.stringify(value));
}

/**
 * Decodes a header value strictly: length, alphabet and padding, UTF-8, JSON bounds, then the schema.
 *
 * @param name header name, for the error's text.
 * @throws X402Error `payload_too_large`, or `code` naming what is wrong.
 */
export function decodeHeader<T>(schema: Schema<T>, text: string, code: ErrorCode, name: string): T {
  if (text.length > MAX_HEADER_LENGTH) {
    throw new X402Error(
      "payload_too_large",
      `${name}: is longer than ${MAX_HEADER_LENGTH} characters`,
    );
  }
  const bytes = text === "" ? undefined : decodeBase64(text);
  if (bytes === undefined) throw new X402Error(code, `${name}: is not base64 (standard alphabet)`);
  let json: string;
  try {
    json = UTF8.decode(bytes);
  } catch {
    throw new X402Error(code, `${name}: is not UTF-8`);
  }
  return parseText(schema, json, MAX_HEADER_LENGTH, code, name);
}
