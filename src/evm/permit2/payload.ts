/** The payload with Permit2: schema, identity, digest (scheme_exact_evm, section 2; scheme_upto_evm, section 1). */
import { PERMIT2_ADDRESS } from "../../../contracts-abi/permit2.ts";
import { hexWord, uintWord } from "../../core/hex.ts";
import { fail, object, type Schema } from "../../core/schema.ts";
import type { Hex } from "../../core/scheme.ts";
import { address, signature, uint } from "../fields.ts";
import { structHash, typedDataDigest } from "../typed-data.ts";
import type { Permit2Kind, Permit2Payment } from "./kind.ts";

/** What comes in, with the witness of a scheme. Decoding gives canonical values: lower-case hex, bigints. */
export const permit2Payload = <W>(witness: Schema<W>) =>
  object({
    signature,
    permit2Authorization: object({
      from: address,
      permitted: object({ token: address, amount: uint }),
      spender: address,
      nonce: uint,
      deadline: uint,
      witness,
    }),
    /** A payload has one method: this or the other. */
    authorization: (value) =>
      value === undefined || value === null
        ? undefined
        : fail("must not stand beside permit2Authorization"),
  });

/** keccak256 of `TokenPermissions(address token,uint256 amount)`. */
const TOKEN_PERMISSIONS = "618358ac3db8dc274f0cd8829da7e234bd48cd73c4a740aede1adec9846d06a1";

/** Digest that the payer signs: `PermitWitnessTransferFrom` with the witness of the scheme. */
export function permitDigest<P extends Permit2Payment>(
  kind: Permit2Kind<P>,
  payment: P,
): Uint8Array {
  const { chainId, asset, permitted, nonce, deadline } = payment;
  const domain = { name: "Permit2", chainId, verifyingContract: PERMIT2_ADDRESS } as const;
  return typedDataDigest(
    domain,
    kind.permitTypeHash +
      structHash(TOKEN_PERMISSIONS + hexWord(asset) + uintWord(permitted)) +
      hexWord(kind.proxy) +
      uintWord(nonce) +
      uintWord(deadline) +
      structHash(kind.witnessTypeHash + kind.witnessWords(payment)),
  );
}

/** Identity of a permit: Permit2's nonces are per owner, across tokens and spenders. */
export function permitKey(chainId: number, owner: Hex, nonce: bigint): string {
  return `permit2:${chainId}:${owner}:${nonce}`;
}
