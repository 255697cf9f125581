/** What a payment brings along for gas sponsoring, as a facilitator checks it. */
import { PERMIT2_ADDRESS } from "../../../contracts-abi/permit2.ts";
import type { PaymentPayload } from "../../core/messages.ts";
import type { Reason } from "../../core/reasons.ts";
import { object, string, tryParse, type Schema } from "../../core/schema.ts";
import type { Hex } from "../../core/scheme.ts";
import { address, bytes, uint } from "../fields.ts";
import { SETTLEMENT_MARGIN_SECONDS } from "../limits.ts";
import { parseEcdsa } from "../signature.ts";
import type { Permit2612 } from "./kind.ts";
import { SPONSORING } from "./sponsoring.ts";

const version = string(16, (text) =>
  /^[0-9]+(?:\.[0-9]+)*$/.test(text) ? undefined : "must be a version",
);
const common = { from: address, asset: address, spender: address, amount: uint, version };

/** What both extensions have, decoded. */
export interface SponsoringInfo {
  readonly from: Hex;
  readonly asset: Hex;
  readonly spender: Hex;
  readonly amount: bigint;
}

/** The parties of the payment that an extension comes with. */
export interface SponsoredParties {
  readonly payer: Hex;
  readonly asset: Hex;
}

type Fields<T> = { readonly [K in keyof T]: Schema<T[K]> };

/**
 * The `info` of an extension: nothing when the payment only echoes what the server declared, `malformed` when it is not of
 * its form.
 */
export function readInfo<T extends object>(
  { extensions }: PaymentPayload,
  name: string,
  fields: Fields<T>,
): (SponsoringInfo & T) | "malformed" | undefined {
  const { info } = (extensions?.[name] ?? {}) as { readonly info?: unknown };
  const given = (info ?? {}) as Readonly<Record<string, unknown>>;
  const names = [...Object.keys(common), ...Object.keys(fields)];
  if (names.some((key) => given[key] === undefined || given[key] === null || given[key] === ""))
    return undefined;
  return (tryParse(object({ ...common, ...fields }), info) ?? "malformed") as
    | (SponsoringInfo & T)
    | "malformed";
}

/** Whom and what an extension's allowance is for, if not for this payment by way of Permit2. */
export function mismatchOf(
  info: SponsoringInfo,
  { payer, asset }: SponsoredParties,
): "from" | "asset" | "spender" | undefined {
  if (info.from !== payer) return "from";
  if (info.asset !== asset) return "asset";
  return info.spender === PERMIT2_ADDRESS.toLowerCase() ? undefined : "spender";
}

const EIP2612_MISMATCH = {
  from: "eip2612_from_mismatch",
  asset: "eip2612_asset_mismatch",
  spender: "eip2612_spender_not_permit2",
} as const satisfies Record<string, Reason>;

/**
 * The EIP-2612 permit of a payment (specs/extensions/eip2612_gas_sponsoring). Its signature is left to the simulation:
 * where it fails, an allowance that is there already counts.
 */
export function readPermit2612(
  payload: PaymentPayload,
  parties: SponsoredParties & { readonly permitted: bigint },
  nowSeconds: number,
): { readonly permit2612?: Permit2612; readonly reason?: Reason } {
  const info = readInfo(payload, SPONSORING.eip2612, {
    nonce: uint,
    deadline: uint,
    signature: bytes(65),
  });
  if (info === undefined) return {};
  const signature = info === "malformed" ? undefined : parseEcdsa(info.signature);
  if (info === "malformed" || signature === undefined)
    return { reason: "invalid_eip2612_extension_format" };
  const mismatch = mismatchOf(info, parties);
  if (mismatch !== undefined) return { reason: EIP2612_MISMATCH[mismatch] };
  // The proxy takes no other.
  if (info.amount !== parties.permitted) return { reason: "permit2_2612_amount_mismatch" };
  const permit2612 = { deadline: info.deadline, ...signature };
  return info.deadline < BigInt(nowSeconds + SETTLEMENT_MARGIN_SECONDS)
    ? { permit2612, reason: "eip2612_deadline_expired" }
    : { permit2612 };
}
