import { evmChainId } from "../../core/network.ts";
import type { PaymentRequirements } from "../../core/messages.ts";
import type { ClientScheme, Hex } from "../../core/scheme.ts";
import { checksumAddress, parseAddress } from "../address.ts";
import { bytesToHex } from "../../core/hex.ts";
import { TRANSFER_WITH_AUTHORIZATION_TYPES } from "./payload.ts";

/** What signs: any viem account, or a bare object of this shape. */
export interface EvmSigner {
  readonly address: Hex;
  signTypedData(typedData: {
    domain: { name: string; version: string; chainId: number; verifyingContract: Hex };
    types: typeof TRANSFER_WITH_AUTHORIZATION_TYPES;
    primaryType: "TransferWithAuthorization";
    message: {
      from: Hex;
      to: Hex;
      value: bigint;
      validAfter: bigint;
      validBefore: bigint;
      nonce: Hex;
    };
  }): Promise<Hex>;
}

/** v1 facilitators compare with their own clock; v1 clients date authorizations back by this much. */
const V1_BACKDATE_SECONDS = 600;

interface Terms {
  readonly chainId: number;
  readonly asset: Hex;
  readonly payTo: Hex;
  readonly name: string;
  readonly version: string;
}

/** What an EIP-3009 authorization needs of requirements; nothing when it cannot be made from them. */
export function readTerms(requirements: PaymentRequirements): Terms | undefined {
  const chainId = evmChainId(requirements.network);
  const asset = parseAddress(requirements.asset);
  const payTo = parseAddress(requirements.payTo);
  const { name, version, assetTransferMethod } = requirements.extra ?? {};
  if (
    requirements.scheme !== "exact" ||
    chainId === undefined ||
    asset === undefined ||
    payTo === undefined
  ) {
    return undefined;
  }
  if (typeof name !== "string" || typeof version !== "string") return undefined;
  if (assetTransferMethod !== undefined && assetTransferMethod !== "eip3009") return undefined;
  return { chainId, asset: checksumAddress(asset), payTo: checksumAddress(payTo), name, version };
}

/** Signs an EIP-3009 authorization of exactly the required amount (scheme_exact_evm, section 1). */
export async function signAuthorization(
  account: EvmSigner,
  requirements: PaymentRequirements,
  options: Parameters<ClientScheme["createPayload"]>[1],
): Promise<Record<string, unknown>> {
  const terms = readTerms(requirements);
  if (terms === undefined) throw new TypeError("these requirements cannot be paid with EIP-3009");
  const authorization = {
    from: account.address,
    to: terms.payTo,
    value: BigInt(requirements.amount),
    validAfter: options.x402Version === 1 ? BigInt(options.nowSeconds - V1_BACKDATE_SECONDS) : 0n,
    validBefore: BigInt(options.nowSeconds + options.lifetimeSeconds),
    nonce: bytesToHex(crypto.getRandomValues(new Uint8Array(32))),
  };
  const signature = await account.signTypedData({
    domain: {
      name: terms.name,
      version: terms.version,
      chainId: terms.chainId,
      verifyingContract: terms.asset,
    },
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
