/** The `exact` payload with ERC-7710: schema, canonical form, identity (scheme_exact_evm, section 3). */
import { keccakText } from "../keccak.ts";
import { fail, object } from "../../core/schema.ts";
import type { Hex, SchemePayment } from "../../core/scheme.ts";
import { bytesToHex } from "../../core/hex.ts";
import { address, bytes } from "../fields.ts";

/** Most bytes of a permission context: it travels in a header of 8 KiB, as base64 of hex. */
const MAX_CONTEXT_BYTES = 3000;
const absent = (value: unknown) =>
  value === undefined || value === null ? undefined : fail("must not stand beside a delegation");

/** What comes in. Decoding gives canonical values: lower-case hex. */
export const Erc7710Payload = object({
  delegationManager: address,
  permissionContext: bytes(MAX_CONTEXT_BYTES),
  delegator: address,
  /** A payload has one method. */
  authorization: absent,
  permit2Authorization: absent,
});

export interface Erc7710Payment extends SchemePayment {
  readonly method: "erc7710";
  /** The delegate: the one signer of the facilitator that can redeem it. */
  readonly delegate?: Hex;
  readonly delegationManager: Hex;
  readonly permissionContext: Hex;
}

/** Whether a payload is of this method, whatever else is wrong with it. */
export const isErc7710 = (payload: Readonly<Record<string, unknown>>): boolean =>
  payload["delegationManager"] !== undefined && payload["delegationManager"] !== null;

/** Identity of a payment: a permission context pays once here, whatever it allows (decision 0014). */
export function delegationKey(
  chainId: number,
  manager: Hex,
  delegator: Hex,
  permissionContext: Hex,
): string {
  const context = bytesToHex(keccakText(permissionContext));
  return `erc7710:${chainId}:${manager}:${delegator}:${context}`;
}
