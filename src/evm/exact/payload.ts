/** The `exact` payload with EIP-3009: schema, canonical form, identity, digest (scheme_exact_evm, section 1). */
import { hexWord, uintWord } from "../../core/hex.ts";
import { fail, object } from "../../core/schema.ts";
import type { Hex, SchemePayment } from "../../core/scheme.ts";
import { address, bytes, signature, uint } from "../fields.ts";
import { typedDataDigest, type Eip712Domain } from "../typed-data.ts";

/** What comes in. Decoding gives canonical values: lower-case hex, bigints. */
export const Eip3009Payload = object({
  signature,
  authorization: object({
    from: address,
    to: address,
    value: uint,
    validAfter: uint,
    validBefore: uint,
    nonce: bytes(32, 32),
  }),
  /** A payload has one method: this or the other. */
  permit2Authorization: (value) =>
    value === undefined || value === null ? undefined : fail("must not stand beside authorization"),
});

export interface Eip3009Payment extends SchemePayment {
  readonly method: "eip3009";
  readonly domain: Required<Eip712Domain>;
  readonly signature: Hex;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  readonly nonce: Hex;
}

/** keccak256 of the type of `TRANSFER_WITH_AUTHORIZATION_TYPES`; EIP-3009 gives it as a constant. */
const TYPE_HASH = "7c7c6cdb67a18743f49ec6fa9b35f50d52ed05cbed4cc592e13b44501c1a2267";

/** Digest that the payer signs. */
export function authorizationDigest(payment: Eip3009Payment): Uint8Array {
  return typedDataDigest(
    payment.domain,
    TYPE_HASH +
      hexWord(payment.payer) +
      hexWord(payment.payTo) +
      uintWord(payment.amount) +
      uintWord(payment.validAfter) +
      uintWord(payment.validBefore) +
      payment.nonce.slice(2),
  );
}

/** Identity of an authorization: EIP-3009 nonces are per token and payer. */
export function authorizationKey(chainId: number, asset: Hex, from: Hex, nonce: Hex): string {
  return `eip3009:${chainId}:${asset}:${from}:${nonce}`;
}
