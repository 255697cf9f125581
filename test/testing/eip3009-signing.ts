import { randomBytes } from "node:crypto";
import { bytesToHex, parseSignature, type Address, type Hex } from "viem";
import { LOCAL_TOKEN_ADDRESS, type TestAccount } from "../../src/testing/index.ts";

/** EIP-712 domain of the local token, by hand, so that the token's own is checked. */
export const DOMAIN = {
  name: "USDC",
  version: "2",
  chainId: 84532,
  verifyingContract: LOCAL_TOKEN_ADDRESS,
} as const;

const AUTHORIZATION = [
  { name: "from", type: "address" },
  { name: "to", type: "address" },
  { name: "value", type: "uint256" },
  { name: "validAfter", type: "uint256" },
  { name: "validBefore", type: "uint256" },
  { name: "nonce", type: "bytes32" },
] as const;

const TYPES = {
  TransferWithAuthorization: AUTHORIZATION,
  ReceiveWithAuthorization: AUTHORIZATION,
  CancelAuthorization: [
    { name: "authorizer", type: "address" },
    { name: "nonce", type: "bytes32" },
  ],
  Permit: [
    { name: "owner", type: "address" },
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
} as const;

export type Authorization = {
  readonly from: Address;
  readonly to: Address;
  readonly value: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  readonly nonce: Hex;
};

/** An authorization that is valid from ever to ever, with a random nonce. */
export function authorization(from: Address, to: Address, value: bigint): Authorization {
  const nonce = bytesToHex(randomBytes(32));
  return { from, to, value, validAfter: 0n, validBefore: 2n ** 256n - 1n, nonce };
}

/** Signs a message of the token with the key of `signer`. */
export function sign(
  signer: TestAccount,
  primaryType: keyof typeof TYPES,
  message: object,
): Promise<Hex> {
  return signer.account.signTypedData({
    domain: DOMAIN,
    types: TYPES,
    primaryType,
    message,
  } as never);
}

/** The six leading arguments of both overloads. */
export function sixArgs(auth: Authorization) {
  return [auth.from, auth.to, auth.value, auth.validAfter, auth.validBefore, auth.nonce] as const;
}

/** `v` (27 or 28), `r`, `s` of a 65-byte signature. */
export function vrs(signature: Hex) {
  const { r, s, yParity } = parseSignature(signature);
  return [yParity + 27, r, s] as const;
}
