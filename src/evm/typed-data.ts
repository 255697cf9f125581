/** EIP-712 digests of the structs that payments sign, without generic ABI machinery. */
import { keccak_256 } from "@noble/hashes/sha3.js";
import type { Hex } from "../core/scheme.ts";
import { bytesToHex, hexToBytes, hexWord, uintWord } from "../core/hex.ts";

export interface Eip712Domain {
  readonly name: string;
  /** Absent: the domain has none, as Permit2's. */
  readonly version?: string;
  readonly chainId: number;
  readonly verifyingContract: Hex;
}

const text = (value: string) => keccak_256(new TextEncoder().encode(value));
const textWord = (value: string) => bytesToHex(text(value)).slice(2);
const hashWords = (words: string) => keccak_256(hexToBytes(`0x${words}`));

const CACHE_SIZE = 1024;
const separators = new Map<string, string>();

/** Domain separator of name, version if any, chain id and contract (EIP-712), as 64 hex digits; cached. */
export function domainSeparator(domain: Eip712Domain): string {
  const key = JSON.stringify([
    domain.name,
    domain.version,
    domain.chainId,
    domain.verifyingContract,
  ]);
  const known = separators.get(key);
  if (known !== undefined) return known;
  const { version } = domain;
  const type = `EIP712Domain(string name,${version === undefined ? "" : "string version,"}uint256 chainId,address verifyingContract)`;
  const separator = bytesToHex(
    hashWords(
      textWord(type) +
        textWord(domain.name) +
        (version === undefined ? "" : textWord(version)) +
        uintWord(domain.chainId) +
        hexWord(domain.verifyingContract),
    ),
  ).slice(2);
  if (separators.size >= CACHE_SIZE) separators.clear();
  separators.set(key, separator);
  return separator;
}

/** EIP-712 hash of a struct given as ABI words, the type hash first; 64 hex digits. */
export function structHash(structWords: string): string {
  return bytesToHex(hashWords(structWords)).slice(2);
}

/** EIP-712 digest of a struct given as ABI words, the type hash first. */
export function typedDataDigest(domain: Eip712Domain, structWords: string): Uint8Array {
  return keccak_256(hexToBytes(`0x1901${domainSeparator(domain)}${structHash(structWords)}`));
}
