import { randomBytes } from "node:crypto";
import { bytesToBigInt, parseSignature, zeroAddress, type Address, type Hex } from "viem";
import { LOCAL_CONTRACTS, type TestAccount } from "../../src/testing/index.ts";

/** EIP-712 domain of Permit2 on the local chain, by hand, so that the contract's own is checked. */
export const PERMIT2_DOMAIN = {
  name: "Permit2",
  chainId: 84532,
  verifyingContract: "0x000000000022D473030F116dDEE9F6B43aC78BA3",
} as const;

const WITNESS = {
  exact: [
    { name: "to", type: "address" },
    { name: "validAfter", type: "uint256" },
  ],
  upto: [
    { name: "to", type: "address" },
    { name: "facilitator", type: "address" },
    { name: "validAfter", type: "uint256" },
  ],
} as const;

export type Permit2Payment = {
  readonly scheme: "exact" | "upto";
  readonly owner: Address;
  readonly permit: {
    readonly permitted: { readonly token: Address; readonly amount: bigint };
    readonly nonce: bigint;
    readonly deadline: bigint;
  };
  readonly witness: {
    readonly to: Address;
    readonly facilitator: Address;
    readonly validAfter: bigint;
  };
};

/** A payment that is valid from ever to ever, with a random nonce. */
export function permit2Payment(
  scheme: "exact" | "upto",
  token: Address,
  owner: Address,
  to: Address,
  amount: bigint,
  facilitator: Address = zeroAddress,
): Permit2Payment {
  const nonce = bytesToBigInt(randomBytes(32));
  const permit = { permitted: { token, amount }, nonce, deadline: 2n ** 256n - 1n };
  return { scheme, owner, permit, witness: { to, facilitator, validAfter: 0n } };
}

/** Signs the payment with the key of `signer`, for x402's proxy of its scheme. */
export function signPermit2(signer: TestAccount, payment: Permit2Payment): Promise<Hex> {
  const { scheme, permit, witness } = payment;
  const { exactPermit2Proxy, uptoPermit2Proxy } = LOCAL_CONTRACTS;
  return signer.account.signTypedData({
    domain: PERMIT2_DOMAIN,
    types: {
      PermitWitnessTransferFrom: [
        { name: "permitted", type: "TokenPermissions" },
        { name: "spender", type: "address" },
        { name: "nonce", type: "uint256" },
        { name: "deadline", type: "uint256" },
        { name: "witness", type: "Witness" },
      ],
      TokenPermissions: [
        { name: "token", type: "address" },
        { name: "amount", type: "uint256" },
      ],
      Witness: WITNESS[scheme],
    },
    primaryType: "PermitWitnessTransferFrom",
    message: {
      ...permit,
      spender: scheme === "exact" ? exactPermit2Proxy : uptoPermit2Proxy,
      witness,
    },
  });
}

/** EIP-2612: an allowance for Permit2, signed for the local permit token, as the proxies take it. */
export async function signPermit2612(signer: TestAccount, value: bigint, nonce = 0n) {
  const deadline = 2n ** 256n - 1n;
  const signature = await signer.account.signTypedData({
    domain: {
      name: "Permit Dollar",
      version: "1",
      chainId: 84532,
      verifyingContract: LOCAL_CONTRACTS.permitToken,
    },
    types: {
      Permit: [
        { name: "owner", type: "address" },
        { name: "spender", type: "address" },
        { name: "value", type: "uint256" },
        { name: "nonce", type: "uint256" },
        { name: "deadline", type: "uint256" },
      ],
    },
    primaryType: "Permit",
    message: { owner: signer.address, spender: LOCAL_CONTRACTS.permit2, value, nonce, deadline },
  });
  const { r, s, yParity } = parseSignature(signature);
  return { value, deadline, r, s, v: yParity + 27 };
}
