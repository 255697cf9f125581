/**
 * Messages of x402 v2 (specification v2, section 5, and the facilitator interface of section 7). Schema and type
 * share a name. Unknown fields are kept; `null` for an optional field, as Python and Go peers send it, means absent.
 */
import { isAtomicAmount } from "./amount.ts";
import { isNetwork, type Network } from "./network.ts";
import {
  array,
  boolean,
  literal,
  map,
  number,
  object,
  optional,
  record,
  string,
  type Infer,
} from "./schema.ts";

const named = string(256, (text) => (text === "" ? "must not be empty" : undefined));

const network = map(
  string(64, (text) =>
    isNetwork(text) ? undefined : 'must be a CAIP-2 network such as "eip155:8453"',
  ),
  (text) => text as Network,
);

/** Atomic units on the wire. */
export const AtomicAmount = string(78, (text) =>
  isAtomicAmount(text)
    ? undefined
    : "must be atomic units as a decimal string without sign, padding or exponent",
);

/** Whole seconds, at least one. */
export const Seconds = number((value) =>
  Number.isSafeInteger(value) && value > 0
    ? undefined
    : "must be a positive whole number of seconds",
);

export const ResourceInfo = object({
  url: string(2048),
  description: optional(string(2048)),
  mimeType: optional(string(256)),
});
export type ResourceInfo = Infer<typeof ResourceInfo>;

export const PaymentRequirements = object({
  scheme: named,
  network,
  /** Atomic units. */
  amount: AtomicAmount,
  asset: named,
  payTo: named,
  maxTimeoutSeconds: Seconds,
  extra: optional(record),
});
export type PaymentRequirements = Infer<typeof PaymentRequirements>;

export const PaymentRequired = object({
  x402Version: literal(2),
  error: optional(string(2048)),
  resource: optional(ResourceInfo),
  accepts: array(PaymentRequirements, 64),
  extensions: optional(record),
});
export type PaymentRequired = Infer<typeof PaymentRequired>;

export const PaymentPayload = /* @__PURE__ */ object({
  x402Version: literal(2),
  resource: optional(ResourceInfo),
  /** The chosen requirements, verbatim. */
  accepted: PaymentRequirements,
  /** What the scheme defines. */
  payload: record,
  extensions: optional(record),
});
export type PaymentPayload = Infer<typeof PaymentPayload>;

export const SettleResponse = object({
  success: boolean,
  /** Transaction hash; empty when there is none. */
  transaction: string(256),
  network: string(64),
  payer: optional(string(256)),
  /** Atomic units that were moved, where the scheme lets it differ from the requirements. */
  amount: optional(string(78)),
  errorReason: optional(string(256)),
  errorMessage: optional(string(2048)),
  extensions: optional(record),
  extra: optional(record),
});
export type SettleResponse = Infer<typeof SettleResponse>;

export type {
  FacilitatorRequest,
  Supported,
  SupportedKind,
  VerifyResponse,
} from "./facilitator-messages.ts";
