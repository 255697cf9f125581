import { evmChainId } from "../../core/network.ts";
import { tryParse, type Schema } from "../../core/schema.ts";
import type { PaymentPayload, PaymentRequirements } from "../../core/messages.ts";
import type { Reason } from "../../core/reasons.ts";
import type { CheckContext, Checked, Hex } from "../../core/scheme.ts";
import { parseAddress } from "../address.ts";
import { findAsset, type EvmAsset } from "../assets.ts";
import { SETTLEMENT_MARGIN_SECONDS } from "../limits.ts";
import type { Permit2Kind, Permit2Payment } from "./kind.ts";
import { permit2Payload } from "./payload.ts";
import { readApproval } from "./approval-transaction.ts";
import { readPermit2612 } from "./sponsored.ts";

export interface Permit2CheckOptions {
  /** Tokens that may be settled. */
  readonly assets: readonly EvmAsset[];
  readonly maxLifetimeSeconds: number;
}

/** What every witness has. */
export interface Permit2Witness {
  readonly to: Hex;
  readonly validAfter: bigint;
}

/** What a scheme checks in its own way. */
export interface Permit2Rules<W extends Permit2Witness, P extends Permit2Payment> {
  readonly kind: Permit2Kind<P>;
  readonly witness: Schema<W>;
  /** After the recipient. */
  checkWitness?(witness: W): Reason | undefined;
  /** Whether the required amount may be taken of what was permitted. */
  checkAmount(required: bigint, permitted: bigint): Reason | undefined;
  /** The payment, with what the scheme adds. */
  payment(common: Permit2Payment, witness: W): P;
}

/**
 * Decodes a payment with Permit2 and checks everything that needs no signature, ledger or chain, in the reference's
 * order (`verifyPermit2`). Pure.
 */
export function checkPermit2<W extends Permit2Witness, P extends Permit2Payment>(
  rules: Permit2Rules<W, P>,
  paymentPayload: PaymentPayload,
  requirements: PaymentRequirements,
  nowSeconds: number,
  options: Permit2CheckOptions,
  context: Pick<CheckContext, "sponsoring"> = {},
): Checked<P> {
  const { accepted, payload } = paymentPayload;
  const { kind } = rules;
  const { network, extra } = requirements;
  if (accepted.scheme !== requirements.scheme) return { reason: kind.reasons.scheme };
  const chainId = evmChainId(network);
  if (chainId === undefined) return { reason: "invalid_network" };
  const asset = parseAddress(requirements.asset);
  const payTo = parseAddress(requirements.payTo);
  if (asset === undefined || payTo === undefined) return { reason: "invalid_payment_requirements" };
  if (accepted.network !== network) return { reason: kind.reasons.network };
  if (findAsset(options.assets, network, asset) === undefined)
    return { reason: "unsupported_asset" };

  const method = extra?.["assetTransferMethod"] ?? "permit2";
  const decoded = tryParse(permit2Payload(rules.witness), payload);
  if (decoded === undefined || method !== "permit2") return { reason: "invalid_payload" };
  const { permit2Authorization: permit, signature } = decoded;
  const { from: payer, permitted, deadline } = permit;
  const { witness } = permit;
  const refused = (reason: Reason) => ({ reason, payer });
  if (permit.spender !== kind.proxy) return refused("invalid_permit2_spender");
  if (witness.to !== payTo) return refused("invalid_permit2_recipient_mismatch");
  const wrongWitness = rules.checkWitness?.(witness);
  if (wrongWitness !== undefined) return refused(wrongWitness);

  const amount = BigInt(requirements.amount);
  const wrongAmount =
    rules.checkAmount(amount, permitted.amount) ??
    (permitted.token === asset ? undefined : "permit2_token_mismatch");
  const parties = { payer, asset, permitted: permitted.amount, chainId };
  const {
    permit2612,
    approval,
    reason: wrongExtension,
  } = context.sponsoring ? readSponsored(paymentPayload, parties, nowSeconds) : {};
  const payment = rules.payment(
    {
      method: "permit2",
      network,
      chainId,
      asset,
      payer,
      payTo,
      amount,
      permitted: permitted.amount,
      expiresAtSeconds: Number(deadline),
      signature,
      nonce: permit.nonce,
      deadline,
      validAfter: witness.validAfter,
      ...(permit2612 && { permit2612 }),
      ...(approval && { approval }),
    },
    witness,
  );
  if (deadline < BigInt(nowSeconds + SETTLEMENT_MARGIN_SECONDS)) {
    const late = refused("permit2_deadline_expired");
    return wrongAmount === undefined ? { ...late, expired: payment } : late;
  }
  if (witness.validAfter > BigInt(nowSeconds)) return refused("permit2_not_yet_valid");
  if (wrongAmount !== undefined) return refused(wrongAmount);
  if (deadline > BigInt(nowSeconds + options.maxLifetimeSeconds))
    return refused("authorization_lifetime_too_long");
  if (wrongExtension === "eip2612_deadline_expired")
    return { ...refused(wrongExtension), expired: payment };
  return wrongExtension === undefined ? { payment } : refused(wrongExtension);
}

/** What a payment brings along for its allowance: a permit where it has one, else an approval. */
function readSponsored(
  payload: PaymentPayload,
  parties: Parameters<typeof readApproval>[1],
  nowSeconds: number,
): ReturnType<typeof readApproval> & ReturnType<typeof readPermit2612> {
  const permit = readPermit2612(payload, parties, nowSeconds);
  return permit.reason === undefined && permit.permit2612 === undefined
    ? readApproval(payload, parties)
    : permit;
}
