/** Arbitrary payments with Permit2, and the proxy's calldata for them as viem makes it. */
import fc from "fast-check";
import { encodeFunctionData, parseSignature } from "viem";
import {
  X402_EXACT_PERMIT2_PROXY_ADDRESS,
  x402ExactPermit2ProxyAbi,
} from "../../contracts-abi/x402-exact-permit2-proxy.ts";
import type { Call, Hex } from "../../src/core/scheme.ts";
import { exactEvmFacilitator, uptoEvmFacilitator } from "../../src/evm/facilitator.ts";
import type { UptoPayment } from "../../src/evm/upto/kind.ts";
import { address, uint256, word } from "./arbitraries.ts";

/** A decoded payment of anything at all; its signature is not the payer's. */
export const payment: fc.Arbitrary<UptoPayment> = fc
  .record({
    chainId: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    asset: address,
    payer: address,
    payTo: address,
    facilitator: address,
    amount: uint256,
    permitted: uint256,
    nonce: uint256,
    deadline: uint256,
    validAfter: uint256,
    r: fc.bigInt({ min: 1n, max: 2n ** 255n }),
    s: fc.bigInt({ min: 1n, max: 2n ** 254n }),
    v: fc.constantFrom("00", "01", "1b", "1c"),
  })
  .map(({ r, s, v, ...rest }) => ({
    ...rest,
    method: "permit2" as const,
    network: `eip155:${rest.chainId}` as const,
    expiresAtSeconds: Number(rest.deadline),
    signature: `0x${word(r)}${word(s)}${v}` as Hex,
  }));

export const permitOf = ({ asset, permitted, nonce, deadline }: UptoPayment) => ({
  permitted: { token: asset, amount: permitted },
  nonce,
  deadline,
});
export const canonical = ({ signature }: UptoPayment): Hex => {
  const { yParity } = parseSignature(signature);
  return `${signature.slice(0, 130) as Hex}${(yParity + 27).toString(16)}`;
};
export const exact = exactEvmFacilitator();
export const upto = uptoEvmFacilitator();
/** Facilitators that take a payment's signature for the payer's key's. */
export const byKey = ({ payer }: UptoPayment) => ({
  exact: exactEvmFacilitator({ recover: () => payer }),
  upto: uptoEvmFacilitator({ recover: () => payer }),
});

export const exactData = (value: UptoPayment): Hex =>
  encodeFunctionData({
    abi: x402ExactPermit2ProxyAbi,
    functionName: "settle",
    args: [
      permitOf(value),
      value.payer,
      { to: value.payTo, validAfter: value.validAfter },
      canonical(value),
    ],
  });
export const exactDataWithPermit = (value: UptoPayment): Hex =>
  encodeFunctionData({
    abi: x402ExactPermit2ProxyAbi,
    functionName: "settleWithPermit",
    args: [
      { value: 1n, deadline: 2n, r: `0x${word(3n)}`, s: `0x${word(4n)}`, v: 27 },
      permitOf(value),
      value.payer,
      { to: value.payTo, validAfter: value.validAfter },
      canonical(value),
    ],
  });
export const toExact = (data: Hex): Call => ({ to: X402_EXACT_PERMIT2_PROXY_ADDRESS, data });
