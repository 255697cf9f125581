import type { Hex } from "../core/scheme.ts";

/** Bytes of a hex text with `0x`; the caller has checked the text. */
export function hexToBytes(hex: Hex): Uint8Array {
  const bytes = new Uint8Array((hex.length - 2) / 2);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Number.parseInt(hex.slice(2 + 2 * i, 4 + 2 * i), 16);
  return bytes;
}

/** Lower-case hex text with `0x`. */
export function bytesToHex(bytes: Uint8Array): Hex {
  let hex: Hex = "0x";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
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
