import { keccak_256 } from "@noble/hashes/sha3.js";
import secp256k1 from "secp256k1";
import type { Hex } from "../src/core/scheme.ts";

/** What `recoverAddress` of `src/evm/signature.ts` does, with the native `secp256k1` package: 55 µs instead of 1,040. */
export function recoverNatively(
  digest: Uint8Array,
  { r, s, yParity }: { readonly r: bigint; readonly s: bigint; readonly yParity: 0 | 1 },
): Hex | undefined {
  try {
    const text = r.toString(16).padStart(64, "0") + s.toString(16).padStart(64, "0");
    const point = secp256k1.ecdsaRecover(Buffer.from(text, "hex"), yParity, digest, false);
    const hash = keccak_256(point.subarray(1));
    return `0x${Buffer.from(hash.buffer, hash.byteOffset + 12, 20).toString("hex")}`;
  } catch {
    return undefined;
  }
}
