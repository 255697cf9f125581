/** Messages between a server and its facilitator (specification v2, section 7); buyers do not bundle them. */
import { PaymentPayload, PaymentRequirements } from "./messages.ts";
import {
  array,
  boolean,
  literal,
  map,
  number,
  object,
  optional,
  record,
  recordOf,
  string,
  type Infer,
} from "./schema.ts";

export const VerifyResponse = object({
  isValid: boolean,
  invalidReason: optional(string(256)),
  invalidMessage: optional(string(2048)),
  payer: optional(string(256)),
  extensions: optional(record),
  extra: optional(record),
});
export type VerifyResponse = Infer<typeof VerifyResponse>;

export const SupportedKind = object({
  x402Version: number(),
  scheme: string(64),
  network: string(64),
  extra: optional(record),
});
export type SupportedKind = Infer<typeof SupportedKind>;

export const Supported = object({
  kinds: array(SupportedKind, 1024),
  extensions: map(optional(array(string(256), 256)), (names) => names ?? []),
  signers: map(optional(recordOf(array(string(256), 256))), (signers) => signers ?? {}),
});
export type Supported = Infer<typeof Supported>;

/** Body of a facilitator's `/verify` and `/settle`. */
export const FacilitatorRequest = object({
  x402Version: literal(2),
  paymentPayload: PaymentPayload,
  paymentRequirements: PaymentRequirements,
});
export type FacilitatorRequest = Infer<typeof FacilitatorRequest>;
