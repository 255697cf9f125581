/** Arbitrary EIP-3009 payments, signed and unsigned. */
import fc from "fast-check";
import { bytesToHex, getAddress } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { MAX_UINT256 } from "../../src/core/amount.ts";
import type { PaymentPayload, PaymentRequirements } from "../../src/core/messages.ts";
import type { Hex } from "../../src/core/scheme.ts";
import { KNOWN_ASSETS } from "../../src/evm/assets.ts";
import { isHex } from "../../src/core/hex.ts";
import type { Eip3009Payment } from "../../src/evm/exact/payload.ts";

export const hexOf = (bytes: number): fc.Arbitrary<Hex> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((array) => bytesToHex(array));
export const address: fc.Arbitrary<Hex> = hexOf(20);
export const uint256 = fc.bigInt({ min: 0n, max: MAX_UINT256 });

export const domain = fc.record({
  name: fc.string({ unit: "binary", maxLength: 40 }),
  version: fc.string({ maxLength: 10 }),
  chainId: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  verifyingContract: address,
});

/** A decoded payment of anything at all; its signature is not the payer's. */
export const payment: fc.Arbitrary<Eip3009Payment> = fc
  .record({
    domain,
    payer: address,
    payTo: address,
    amount: uint256,
    validAfter: uint256,
    validBefore: uint256,
    nonce: hexOf(32),
    r: fc.bigInt({ min: 1n, max: 2n ** 255n }),
    s: fc.bigInt({ min: 1n, max: 2n ** 254n }),
    v: fc.constantFrom("00", "01", "1b", "1c"),
  })
  .map(({ r, s, v, ...rest }) => ({
    ...rest,
    method: "eip3009" as const,
    network: `eip155:${rest.domain.chainId}` as const,
    asset: rest.domain.verifyingContract,
    expiresAtSeconds: Number(rest.validBefore),
    signature: `0x${word(r)}${word(s)}${v}` as Hex,
  }));

/** 64 hex digits of a number. */
export const word = (value: bigint): string => value.toString(16).padStart(64, "0");

/** A text with the case of its letters changed here and there; `0x` stays. */
export const recased = (hex: string, upper: readonly boolean[]): string =>
  hex.replace(/[a-f]/gi, (letter, at: number) =>
    at > 1 && upper[at % upper.length] === true ? letter.toUpperCase() : letter.toLowerCase(),
  );

export const payer = privateKeyToAccount(`0x${"42".repeat(32)}`);
export const payTo: Hex = getAddress(`0x${"b1".repeat(20)}`);
export const USDC = KNOWN_ASSETS.find((asset) => asset.network === "eip155:84532")!;
export const NOW = 1_800_000_000;

export const requirements: PaymentRequirements = {
  scheme: "exact",
  network: "eip155:84532",
  amount: "10000",
  asset: USDC.address,
  payTo,
  maxTimeoutSeconds: 300,
  extra: { name: USDC.name, version: USDC.version },
};

/** Fields of an authorization as on the wire. */
export interface WireAuthorization {
  from: string;
  to: string;
  value: string;
  validAfter: string;
  validBefore: string;
  nonce: string;
}

export const authorization: WireAuthorization = {
  from: payer.address,
  to: payTo,
  value: "10000",
  validAfter: "0",
  validBefore: String(NOW + 300),
  nonce: `0x${"07".repeat(32)}`,
};

/** A payment that passes every static check, with changes. */
export function paying(
  change: Partial<WireAuthorization> = {},
  accepted: PaymentRequirements = requirements,
  signature = `0x${"11".repeat(64)}1b`,
): PaymentPayload {
  return {
    x402Version: 2,
    accepted,
    payload: { signature, authorization: { ...authorization, ...change } },
  };
}

/** Checked hex of what a signer gave. */
export function asHex(text: unknown): Hex {
  if (typeof text !== "string" || !isHex(text)) throw new TypeError(`not hex: ${String(text)}`);
  return text;
}
