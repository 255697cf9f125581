import type { Hex } from "./scheme.ts";

/** Value of a hex digit by its character code. */
const NIBBLES = /* @__PURE__ */ Uint8Array.from({ length: 128 }, (_, code) => {
  const value = "0123456789abcdef".indexOf(String.fromCharCode(code).toLowerCase());
  return Math.max(0, value);
});
const PAIRS = /* @__PURE__ */ Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);

/** Bytes of a hex text with `0x`; the caller has checked the text. */
export function hexToBytes(hex: Hex): Uint8Array {
  const bytes = new Uint8Array((hex.length - 2) / 2);
  for (let i = 0, at = 2; i < bytes.length; i++, at += 2) {
    const high = NIBBLES[hex.charCodeAt(at)] ?? 0;
    bytes[i] = (high << 4) | (NIBBLES[hex.charCodeAt(at + 1)] ?? 0);
  }
  return bytes;
}

/** Lower-case hex text with `0x`. */
export function bytesToHex(bytes: Uint8Array): Hex {
  let hex: Hex = "0x";
  for (const byte of bytes) hex += PAIRS[byte];
  return hex;
}

const HEX = /^0x(?:[0-9a-fA-F]{2})*$/;

/** Whether a text is whole bytes as hex, of the given number of bytes if one is given. */
export function isHex(text: string, bytes?: number): text is Hex {
  return HEX.test(text) && (bytes === undefined || text.length === 2 + 2 * bytes);
}

/** One ABI word (64 hex digits, no `0x`) of an unsigned integer. */
export function uintWord(value: bigint | number): string {
  return value.toString(16).padStart(64, "0");
}

/** One ABI word of an address or of shorter bytes, right-aligned. */
export function hexWord(hex: Hex): string {
  return hex.slice(2).toLowerCase().padStart(64, "0");
}
