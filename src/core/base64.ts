/** Base64 with the standard alphabet and padding (RFC 4648, section 4), in plain JavaScript: `atob` is slow in Node 20. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const NONE = 255;
const VALUES = new Uint8Array(128).fill(NONE);
for (let value = 0; value < 64; value++) VALUES[ALPHABET.charCodeAt(value)] = value;

/** Bytes of a base64 text; nothing when it is not base64, or not padded. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const digits = text.length - padding;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let at = 0;
  let bits = 0;
  for (let index = 0; index < digits; index++) {
    const value = VALUES[text.charCodeAt(index)] ?? NONE;
    if (value === NONE) return undefined;
    bits = (bits << 6) | value;
    // Four digits are three bytes; each of the last three digits of four completes one.
    const place = index & 3;
    if (place !== 0) bytes[at++] = bits >> (6 - 2 * place);
  }
  return bytes;
}

/** Base64 of a text's UTF-8 bytes. */
export function encodeBase64(text: string): string {
  if (isAscii(text)) return btoa(text);
  let binary = "";
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Whether every character of a text is one byte of UTF-8. */
export function isAscii(text: string): boolean {
  return !/[\u0080-\uffff]/.test(text);
}
