/**
 * EIP-1559 transactions (EIP-2718 type 2), encoded on bytes: a batch of a hundred payments is 48 kB, and going through
 * hex and back for every step costs more than its signature.
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import type { LocalAccount } from "viem";
import type { Hex } from "../../src/core/scheme.ts";
import { bytesToHex, hexToBytes } from "../../src/core/hex.ts";
import type { Fees } from "../chain.ts";

export interface TransactionFields {
  readonly chainId: number;
  readonly nonce: number;
  readonly to: Hex;
  readonly data: Hex;
  readonly gas: bigint;
  readonly fees: Fees;
}

/** Signs a transaction without value or access list; gives its bytes and their hash. */
export async function signTransaction(
  account: LocalAccount,
  { chainId, nonce, to, data, gas, fees }: TransactionFields,
): Promise<{ raw: Hex; hash: Hex }> {
  const payload = hexToBytes(data);
  const head = [
    number(chainId),
    number(nonce),
    number(fees.maxPriorityFeePerGas),
    number(fees.maxFeePerGas),
    number(gas),
    bytes(hexToBytes(to)),
    number(0),
    prefixOf(payload),
  ];
  if (account.sign === undefined) {
    const raw = await account.signTransaction({
      type: "eip1559",
      chainId,
      nonce,
      to,
      data,
      gas,
      ...fees,
    });
    return { raw, hash: bytesToHex(keccak_256(hexToBytes(raw))) };
  }
  const unsigned = envelope([...head, payload, EMPTY_LIST]);
  const signature = await account.sign({ hash: bytesToHex(keccak_256(concat(unsigned))) });
  const [r, s, v] = [signature.slice(2, 66), signature.slice(66, 130), signature.slice(130)];
  const yParity = (Number.parseInt(v, 16) + 1) % 2; // of 27 or 28
  const tail = [EMPTY_LIST, number(yParity), number(BigInt(`0x${r}`)), number(BigInt(`0x${s}`))];
  const signed = envelope([...head, payload, ...tail]);
  // The data is hex already, and nearly all of it.
  const before = bytesToHex(concat(signed.slice(0, -tail.length - 1)));
  const after = bytesToHex(concat(tail)).slice(2);
  return {
    raw: `${before}${data.slice(2).toLowerCase()}${after}`,
    hash: bytesToHex(keccak_256(concat(signed))),
  };
}

const EMPTY_LIST = Uint8Array.of(0xc0);

/** RLP of an unsigned integer: big-endian without leading zeros. */
function number(value: number | bigint): Uint8Array {
  if (BigInt(value) === 0n) return bytes(new Uint8Array());
  const digits = value.toString(16);
  return bytes(hexToBytes(`0x${digits.length % 2 === 0 ? "" : "0"}${digits}`));
}

/** RLP of a byte string. */
function bytes(value: Uint8Array): Uint8Array {
  return concat([prefixOf(value), value]);
}

/** What stands before a byte string; nothing before a single small byte. */
function prefixOf(value: Uint8Array): Uint8Array {
  const [first = 0] = value;
  return value.length === 1 && first < 0x80 ? new Uint8Array() : prefix(value.length, 0x80);
}

/** Type byte and RLP list of encoded fields, in pieces. */
function envelope(fields: readonly Uint8Array[]): Uint8Array[] {
  const length = fields.reduce((sum, field) => sum + field.length, 0);
  return [Uint8Array.of(2), prefix(length, 0xc0), ...fields];
}

/** RLP's prefix of a string (base 0x80) or list (0xc0) of a length. */
function prefix(length: number, base: number): Uint8Array {
  if (length < 56) return Uint8Array.of(base + length);
  const digits = length.toString(16);
  const size = hexToBytes(`0x${digits.length % 2 === 0 ? "" : "0"}${digits}`);
  return concat([Uint8Array.of(base + 55 + size.length), size]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
