import { evmChainId } from "../../core/network.ts";
import type { PaymentRequirements } from "../../core/messages.ts";
import type { ClientScheme, Hex } from "../../core/scheme.ts";
import { checksumAddress, parseAddress } from "../address.ts";
import { bytesToHex, isHex } from "../../core/hex.ts";
import type { EvmSigner } from "../signer.ts";
import type { ExactClientMethod } from "./client-method.ts";

/** EIP-712 types of an authorization (EIP-3009). */
export const TRANSFER_WITH_AUTHORIZATION_TYPES = {
  TransferWithAuthorization: [
    { name: "from", type: "address" },
    { name: "to", type: "address" },
    { name: "value", type: "uint256" },
    { name: "validAfter", type: "uint256" },
    { name: "validBefore", type: "uint256" },
    { name: "nonce", type: "bytes32" },
  ],
} as const;

/** v1 facilitators compare with their own clock; v1 clients date authorizations back by this much. */
const V1_BACKDATE_SECONDS = 600;

interface Terms {
  readonly domain: { name: string; version: string; chainId: number; verifyingContract: Hex };
  readonly payTo: Hex;
}

/** What an EIP-3009 authorization needs of requirements; nothing when it cannot be made from them. */
export function readTerms(requirements: PaymentRequirements): Terms | undefined {
  const chainId = evmChainId(requirements.network);
  const asset = parseAddress(requirements.asset);
  const payTo = parseAddress(requirements.payTo);
  const { name, version, assetTransferMethod = "eip3009" } = requirements.extra ?? {};
  if (
    requirements.scheme !== "exact" ||
    assetTransferMethod !== "eip3009" ||
    typeof name !== "string" ||
    typeof version !== "string" ||
    chainId === undefined ||
    asset === undefined ||
    payTo === undefined
  ) {
    return undefined;
  }
  const verifyingContract = checksumAddress(asset);
  const domain = { name, version, chainId, verifyingContract };
  return { domain, payTo: checksumAddress(payTo) };
}

/**
 * Signs an EIP-3009 authorization of exactly the required amount (scheme_exact_evm, section 1). Instead of an earlier one
 * it takes over its nonce, which the token accepts once from a payer.
 */
async function signAuthorization(
  account: EvmSigner,
  requirements: PaymentRequirements,
  options: Parameters<ClientScheme["createPayload"]>[1],
): Promise<Record<string, unknown>> {
  const terms = readTerms(requirements);
  const { instead } = options;
  const nonce = instead
    ? nonceOf(account, instead)
    : bytesToHex(crypto.getRandomValues(new Uint8Array(32)));
  if (terms === undefined || nonce === undefined)
    throw new TypeError("EIP-3009 cannot pay this, or not `instead`");
  const authorization = {
    from: account.address,
    to: terms.payTo,
    value: BigInt(requirements.amount),
    validAfter: options.x402Version === 1 ? BigInt(options.nowSeconds - V1_BACKDATE_SECONDS) : 0n,
    validBefore: BigInt(options.nowSeconds + options.lifetimeSeconds),
    nonce,
  };
  const signature = await account.signTypedData({
    domain: terms.domain,
    types: TRANSFER_WITH_AUTHORIZATION_TYPES,
    primaryType: "TransferWithAuthorization",
    message: authorization,
  });
  return {
    signature,
    authorization: {
      ...authorization,
      value: authorization.value.toString(),
      validAfter: authorization.validAfter.toString(),
      validBefore: authorization.validBefore.toString(),
    },
  };
}

/** Whether an authorization for these requirements can take over the nonce of an earlier payment. */
function excludesEarlier(
  account: EvmSigner,
  ...[earlier, requirements]: Parameters<NonNullable<ClientScheme["excludes"]>>
): boolean {
  return (
    readTerms(requirements) !== undefined &&
    earlier.network === requirements.network &&
    parseAddress(earlier.asset) === parseAddress(requirements.asset) &&
    nonceOf(account, earlier.payload) !== undefined
  );
}

/** Nonce of an authorization of this account. */
function nonceOf(account: EvmSigner, payload: Readonly<Record<string, unknown>>): Hex | undefined {
  const signed = readSigned(payload);
  return signed?.from === account.address.toLowerCase() ? signed.nonce : undefined;
}

/** What was signed, in a payload that this client made and kept. */
export function readSigned({
  authorization,
  permit2Authorization,
}: Readonly<Record<string, unknown>>) {
  const { from, nonce, validBefore } = (authorization ?? {}) as Record<string, unknown>;
  const payer = parseAddress(String(from));
  if (payer === undefined || typeof nonce !== "string" || !isHex(nonce, 32)) return undefined;
  if (permit2Authorization !== undefined) return undefined;
  return { from: payer, nonce: nonce.toLowerCase() as Hex, validBefore: String(validBefore) };
}

/** EIP-3009, as buyers use it. */
export const eip3009: ExactClientMethod = {
  supports: (requirements) => readTerms(requirements) !== undefined,
  sign: signAuthorization,
  excludes: excludesEarlier,
};
