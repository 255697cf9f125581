/** Base64 with the standard alphabet and padding (RFC 4648, section 4). */

/** `atob` also takes white space and text without padding. */
const STRICT = /^[A-Za-z0-9+/]*={0,2}$/;

/** Bytes of a base64 text; nothing when it is not base64, or not padded. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0 || !STRICT.test(text)) return undefined;
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  // A loop: `Uint8Array.from` with a function takes ten times as long.
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
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
