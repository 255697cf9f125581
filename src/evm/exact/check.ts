import { evmChainId } from "../../core/network.ts";
import { tryParse } from "../../core/schema.ts";
import type { PaymentPayload, PaymentRequirements } from "../../core/messages.ts";
import type { Checked } from "../../core/scheme.ts";
import { parseAddress } from "../address.ts";
import { findAsset, type EvmAsset } from "../assets.ts";
import { SETTLEMENT_MARGIN_SECONDS } from "../limits.ts";
import { Eip3009Payload, type Eip3009Payment } from "./payload.ts";

export interface CheckOptions {
  /** Tokens that may be settled. */
  readonly assets: readonly EvmAsset[];
  readonly maxLifetimeSeconds: number;
}

/**
 * Decodes an EIP-3009 payment and checks everything that needs no signature, ledger or chain, in the order of
 * cheapness (scheme_exact_evm, "Verification Logic"). Pure.
 */
export function checkEip3009(
  { accepted, payload }: PaymentPayload,
  requirements: PaymentRequirements,
  nowSeconds: number,
  options: CheckOptions,
): Checked<Eip3009Payment> {
  if (accepted.scheme !== requirements.scheme) return { reason: "invalid_exact_evm_scheme" };
  const chainId = evmChainId(requirements.network);
  if (chainId === undefined) return { reason: "invalid_network" };
  const asset = parseAddress(requirements.asset);
  const payTo = parseAddress(requirements.payTo);
  if (asset === undefined || payTo === undefined) return { reason: "invalid_payment_requirements" };

  const { name, version } = requirements.extra ?? {};
  if (typeof name !== "string" || typeof version !== "string") {
    return { reason: "invalid_exact_evm_missing_eip712_domain" };
  }
  if (accepted.network !== requirements.network) {
    return { reason: "invalid_exact_evm_network_mismatch" };
  }
  const known = findAsset(options.assets, requirements.network, asset);
  if (known === undefined) return { reason: "unsupported_asset" };
  if (known.transfer === "permit2") return { reason: "invalid_exact_evm_eip3009_not_supported" };
  if (name !== known.name) return { reason: "invalid_exact_evm_token_name_mismatch" };
  if (version !== known.version) return { reason: "invalid_exact_evm_token_version_mismatch" };

  const method = requirements.extra?.["assetTransferMethod"] ?? "eip3009";
  const decoded = tryParse(Eip3009Payload, payload);
  if (decoded === undefined || method !== "eip3009") return { reason: "invalid_payload" };
  const { authorization, signature } = decoded;
  const payer = authorization.from;
  const amount = BigInt(requirements.amount);
  if (authorization.to !== payTo) return { reason: "invalid_exact_evm_recipient_mismatch", payer };
  const payment: Eip3009Payment = {
    method: "eip3009",
    network: requirements.network,
    asset,
    payer,
    payTo,
    amount,
    expiresAtSeconds: Number(authorization.validBefore),
    domain: { name, version, chainId, verifyingContract: asset },
    signature,
    validAfter: authorization.validAfter,
    validBefore: authorization.validBefore,
    nonce: authorization.nonce,
  };
  if (authorization.validBefore < BigInt(nowSeconds + SETTLEMENT_MARGIN_SECONDS)) {
    const reason = "invalid_exact_evm_payload_authorization_valid_before";
    return authorization.value === amount ? { reason, payer, expired: payment } : { reason, payer };
  }
  if (authorization.validAfter >= BigInt(nowSeconds)) {
    return { reason: "invalid_exact_evm_payload_authorization_valid_after", payer };
  }
  if (authorization.value !== amount) {
    return { reason: "invalid_exact_evm_payload_authorization_value_mismatch", payer };
  }
  if (authorization.validBefore > BigInt(nowSeconds + options.maxLifetimeSeconds)) {
    return { reason: "authorization_lifetime_too_long", payer };
  }
  return { payment };
}
