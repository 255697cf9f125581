/**
 * Messages of x402 v2 (specification v2, section 5, and the facilitator interface of section 7). Schema and type
 * share a name. Unknown fields are kept; `null` for an optional field, as Python and Go peers send it, means absent.
 */
import * as z from "zod/mini";
import { isAtomicAmount } from "./amount.ts";
import { isNetwork, type Network } from "./network.ts";

const optional = <T extends z.ZodMiniType>(schema: T) =>
  z.optional(
    z.pipe(
      z.nullable(schema),
      z.transform((value) => (value === null ? undefined : (value as z.output<T>))),
    ),
  );

const text = (maxLength: number) =>
  z.string().check(z.maxLength(maxLength, `must be at most ${maxLength} characters`));
const record = z.record(z.string(), z.unknown());

const network = z.custom<Network>(
  (value) => typeof value === "string" && isNetwork(value),
  'must be a CAIP-2 network such as "eip155:8453"',
);
const amount = z
  .string()
  .check(
    z.refine(
      isAtomicAmount,
      "must be atomic units as a decimal string without sign, padding or exponent",
    ),
  );

export const ResourceInfo = z.looseObject({
  url: text(2048),
  description: optional(text(2048)),
  mimeType: optional(text(256)),
});
export type ResourceInfo = z.infer<typeof ResourceInfo>;

export const PaymentRequirements = z.looseObject({
  scheme: text(64).check(z.minLength(1, "must not be empty")),
  network,
  /** Atomic units. */
  amount,
  asset: text(256).check(z.minLength(1, "must not be empty")),
  payTo: text(256).check(z.minLength(1, "must not be empty")),
  maxTimeoutSeconds: z
    .number()
    .check(
      z.refine(
        (value) => Number.isSafeInteger(value) && value > 0,
        "must be a positive whole number of seconds",
      ),
    ),
  extra: optional(record),
});
export type PaymentRequirements = z.infer<typeof PaymentRequirements>;

export const PaymentRequired = z.looseObject({
  x402Version: z.literal(2, "must be 2"),
  error: optional(text(2048)),
  resource: optional(ResourceInfo),
  accepts: z.array(PaymentRequirements).check(z.maxLength(64, "must have at most 64 offers")),
  extensions: optional(record),
});
export type PaymentRequired = z.infer<typeof PaymentRequired>;

export const PaymentPayload = z.looseObject({
  x402Version: z.literal(2, "must be 2"),
  resource: optional(ResourceInfo),
  /** The chosen requirements, verbatim. */
  accepted: PaymentRequirements,
  /** What the scheme defines. */
  payload: record,
  extensions: optional(record),
});
export type PaymentPayload = z.infer<typeof PaymentPayload>;

export const VerifyResponse = z.looseObject({
  isValid: z.boolean(),
  invalidReason: optional(text(256)),
  invalidMessage: optional(text(2048)),
  payer: optional(text(256)),
  extensions: optional(record),
  extra: optional(record),
});
export type VerifyResponse = z.infer<typeof VerifyResponse>;

export const SettleResponse = z.looseObject({
  success: z.boolean(),
  /** Transaction hash; empty when there is none. */
  transaction: text(256),
  network: text(64),
  payer: optional(text(256)),
  /** Atomic units that were moved, where the scheme lets it differ from the requirements. */
  amount: optional(text(78)),
  errorReason: optional(text(256)),
  errorMessage: optional(text(2048)),
  extensions: optional(record),
  extra: optional(record),
});
export type SettleResponse = z.infer<typeof SettleResponse>;

export const SupportedKind = z.looseObject({
  x402Version: z.number(),
  scheme: text(64),
  network: text(64),
  extra: optional(record),
});
export type SupportedKind = z.infer<typeof SupportedKind>;

export const Supported = z.looseObject({
  kinds: z.array(SupportedKind).check(z.maxLength(1024, "must have at most 1024 kinds")),
  extensions: z._default(z.array(z.string()), []),
  signers: z._default(z.record(z.string(), z.array(z.string())), {}),
});
export type Supported = z.infer<typeof Supported>;

/** Body of a facilitator's `/verify` and `/settle`. */
export const FacilitatorRequest = z.looseObject({
  x402Version: z.literal(2, "must be 2"),
  paymentPayload: PaymentPayload,
  paymentRequirements: PaymentRequirements,
});
export type FacilitatorRequest = z.infer<typeof FacilitatorRequest>;
