import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import type { Hex } from "../core/scheme.ts";
import { bytesToHex, isHex } from "../core/hex.ts";

/** An ECDSA signature over secp256k1 in canonical form: low s, `yParity` 0 or 1. */
export interface EcdsaSignature {
  readonly r: bigint;
  readonly s: bigint;
  readonly yParity: 0 | 1;
}

const ORDER = secp256k1.Point.Fn.ORDER;
const ERC6492_SUFFIX = "6492".repeat(16);

/** Whether a signature is wrapped for a wallet that is not deployed yet (ERC-6492). */
export function isErc6492(signature: Hex): boolean {
  return signature.toLowerCase().endsWith(ERC6492_SUFFIX);
}

/**
 * Parses an ECDSA signature: 65 bytes with v of 0, 1, 27 or 28, or the 64 bytes of EIP-2098. High s (EIP-2) and
 * values outside the group are refused: tokens refuse them too, and one payment has one signature here.
 */
export function parseEcdsa(signature: Hex): EcdsaSignature | undefined {
  if (!isHex(signature)) return undefined;
  const digits = signature.slice(2);
  if (digits.length !== 128 && digits.length !== 130) return undefined;
  const r = BigInt(`0x${digits.slice(0, 64)}`);
  let s = BigInt(`0x${digits.slice(64, 128)}`);
  let v: number;
  if (digits.length === 128) {
    v = Number(s >> 255n);
    s &= (1n << 255n) - 1n;
  } else {
    v = Number.parseInt(digits.slice(128), 16);
    if (v === 27 || v === 28) v -= 27;
  }
  if (v !== 0 && v !== 1) return undefined;
  if (r <= 0n || r >= ORDER || s <= 0n || s > ORDER / 2n) return undefined;
  return { r, s, yParity: v };
}

/** Address (lower case) whose key made this signature of a 32-byte digest; nothing when none could have. */
export function recoverAddress(digest: Uint8Array, signature: EcdsaSignature): Hex | undefined {
  try {
    const point = new secp256k1.Signature(
      signature.r,
      signature.s,
      signature.yParity,
    ).recoverPublicKey(digest);
    const hash = keccak_256(point.toBytes(false).subarray(1));
    return bytesToHex(hash.subarray(12));
  } catch {
    return undefined;
  }
}
