import { encodeHeader } from "../../core/header.ts";
import { bytesToHex, isHex } from "../../core/hex.ts";
import type { PaymentPayload, PaymentRequired } from "../../core/messages.ts";
import type { PayableOffer } from "../page-data.ts";
import { Problem } from "./problem.ts";
import { ask } from "./wallet-calls.ts";
import type { Wallet } from "./wallets.ts";

/** The longest that a payment may stay valid, whatever the offer asks for. */
const MAX_LIFETIME_SECONDS = 3600;
/** The payment has to fit a cookie, by which a paid page is opened. */
const MAX_LENGTH = 3500;
/** Extension by which a client names its payment. */
const IDENTIFIER = "payment-identifier";

const DOMAIN_TYPE = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
  { name: "verifyingContract", type: "address" },
];
const AUTHORIZATION_TYPE = [
  { name: "from", type: "address" },
  { name: "to", type: "address" },
  { name: "value", type: "uint256" },
  { name: "validAfter", type: "uint256" },
  { name: "validBefore", type: "uint256" },
  { name: "nonce", type: "bytes32" },
];

/**
 * Has the wallet sign an EIP-3009 authorization of exactly the offer's amount (scheme_exact_evm, section 1).
 *
 * @returns value of `PAYMENT-SIGNATURE`.
 * @throws Problem when it is not signed.
 */
export async function signPayment(
  wallet: Wallet,
  from: string,
  offer: PayableOffer,
  { accepts, resource, extensions }: PaymentRequired,
): Promise<string> {
  const accepted = accepts[offer.index];
  if (accepted === undefined) throw new RangeError("no such offer");
  const lifetime = Math.min(accepted.maxTimeoutSeconds, MAX_LIFETIME_SECONDS);
  const authorization = {
    from,
    to: offer.payTo,
    value: accepted.amount,
    validAfter: "0",
    validBefore: String(Math.floor(Date.now() / 1000) + lifetime),
    nonce: bytesToHex(crypto.getRandomValues(new Uint8Array(32))),
  };
  const { name, version, chainId, asset } = offer;
  const typedData = {
    types: { EIP712Domain: DOMAIN_TYPE, TransferWithAuthorization: AUTHORIZATION_TYPE },
    primaryType: "TransferWithAuthorization",
    domain: { name, version, chainId, verifyingContract: asset },
    message: authorization,
  };
  const signature = await ask(wallet, "eth_signTypedData_v4", [from, JSON.stringify(typedData)]);
  if (typeof signature !== "string" || !isHex(signature) || signature === "0x")
    throw new Problem("walletFailed", { message: "eth_signTypedData_v4" });
  const payload = { signature, authorization };
  const named = withIdentifier(extensions);
  const full: PaymentPayload = {
    x402Version: 2,
    accepted,
    payload,
    ...(resource && { resource }),
    ...(named && { extensions: named }),
  };
  const header = encodeHeader(full);
  if (header.length <= MAX_LENGTH) return header;
  // Without the echo it says all that a settlement needs.
  const identifier = named?.[IDENTIFIER] as { info?: unknown } | undefined;
  const only = identifier && { extensions: { [IDENTIFIER]: { info: identifier.info } } };
  return encodeHeader({ x402Version: 2, accepted, payload, ...only });
}

/**
 * The 402's extensions to be echoed, with an identifier for this payment where they ask for one: it is never published,
 * so that nobody who reads the payment off the chain is given what it bought.
 */
function withIdentifier(extensions: PaymentRequired["extensions"]): PaymentPayload["extensions"] {
  const declared = extensions?.[IDENTIFIER] as { info?: object } | undefined;
  if (declared === undefined) return extensions;
  const id = bytesToHex(crypto.getRandomValues(new Uint8Array(16))).slice(2);
  return { ...extensions, [IDENTIFIER]: { ...declared, info: { ...declared.info, id } } };
}
