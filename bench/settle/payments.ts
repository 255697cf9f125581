/** Payments, signed before anything is measured. */
import { randomBytes } from "node:crypto";
import secp256k1 from "secp256k1";
import { hexToBytes, keccak256, toHex } from "viem";
import type { FacilitatorRequest, PaymentRequirements } from "../../src/core/messages.ts";
import type { Hex } from "../../src/core/scheme.ts";
import { authorizationDigest } from "../../src/evm/exact/payload.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { namedAccount } from "../../src/testing/index.ts";

export const NETWORK = "eip155:84532";
/** So many keys pay, in turn, and so many addresses are paid. */
export const PAYERS = 200;
export const PAYEES = 16;
const LIFETIME_SECONDS = 3000;
const PRICE = "$0.001";

export const payerKey = (index: number): Hex => keccak256(toHex(`farthing local payer ${index}`));
export const payerAddress = (index: number): Hex => namedAccount(`payer ${index}`).address;
export const payeeAddress = (index: number): Hex => namedAccount(`payee ${index}`).address;

/**
 * Requests to settle, as the JSON text that a server would get: the load loop parses each when its turn comes, as a
 * server does, and until then they are no work for the garbage collector.
 */
export function signPayments(count: number): string[] {
  const payers = Array.from({ length: PAYERS }, (_, index) => ({
    key: hexToBytes(payerKey(index)),
    address: payerAddress(index),
  }));
  const offers = Array.from({ length: PAYEES }, (_, index) => offerTo(payeeAddress(index)));
  return Array.from({ length: count }, (_, index) => {
    const payer = payers[index % PAYERS]!;
    return JSON.stringify(sign(payer, offers[index % PAYEES]!));
  });
}

function offerTo(payTo: string): PaymentRequirements {
  return {
    scheme: "exact",
    network: NETWORK,
    payTo,
    maxTimeoutSeconds: LIFETIME_SECONDS,
    ...exactEvm().price(PRICE, NETWORK),
  };
}

function sign(
  payer: { readonly key: Uint8Array; readonly address: Hex },
  offer: PaymentRequirements,
): FacilitatorRequest {
  const now = BigInt(Math.floor(Date.now() / 1000));
  const validAfter = now - 600n;
  const validBefore = now + BigInt(LIFETIME_SECONDS);
  const nonce: Hex = `0x${randomBytes(32).toString("hex")}`;
  const digest = authorizationDigest({
    network: NETWORK,
    asset: offer.asset as Hex,
    payer: payer.address,
    payTo: offer.payTo as Hex,
    amount: BigInt(offer.amount),
    expiresAtSeconds: Number(validBefore),
    domain: {
      name: "USDC",
      version: "2",
      chainId: 84532,
      verifyingContract: offer.asset as Hex,
    },
    signature: "0x",
    validAfter,
    validBefore,
    nonce,
  });
  const { signature, recid } = secp256k1.ecdsaSign(digest, payer.key);
  return {
    x402Version: 2,
    paymentPayload: {
      x402Version: 2,
      accepted: offer,
      payload: {
        signature: `0x${Buffer.from(signature).toString("hex")}${(27 + recid).toString(16)}`,
        authorization: {
          from: payer.address,
          to: offer.payTo,
          value: offer.amount,
          validAfter: `${validAfter}`,
          validBefore: `${validBefore}`,
          nonce,
        },
      },
    },
    paymentRequirements: offer,
  };
}
