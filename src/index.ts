/** `farthing`: messages, headers, errors and interfaces of x402. */
export * from "./core/messages.ts";
export * from "./core/facilitator-messages.ts";
export * from "./core/messages-v1.ts";
export { X402Error, type ErrorCode, type Retry } from "./core/errors.ts";
export { REASONS, type Reason } from "./core/reasons.ts";
export {
  decodeHeader,
  encodeHeader,
  MAX_HEADER_LENGTH,
  PAYMENT_REQUIRED,
  PAYMENT_RESPONSE,
  PAYMENT_SIGNATURE,
  X_PAYMENT,
  X_PAYMENT_RESPONSE,
} from "./core/header.ts";
export { evmChainId, isNetwork, networkFamily, type Network } from "./core/network.ts";
export { formatAmount, isAtomicAmount, parseAmount } from "./core/amount.ts";
export { findAcceptedOffer } from "./core/match.ts";
export type { Facilitator, FacilitatorCallOptions } from "./core/facilitator.ts";
export type {
  ChainReader,
  Checked,
  ClientScheme,
  FacilitatorScheme,
  KnownAsset,
  Price,
  SchemePayment,
  ServerScheme,
  SettlementCall,
} from "./core/scheme.ts";
