/** `farthing/client`: a `fetch` that pays. */
export { wrapFetchWithPayment, type WrapFetchOptions } from "./wrap-fetch.ts";
export type { RetryOptions, WalletOptions } from "./wallet.ts";
export {
  spendPolicy,
  type Budget,
  type PaymentLists,
  type SpendPolicy,
  type SpendPolicyOptions,
} from "./policy.ts";
export type { Proposal } from "./proposal.ts";
export { preferring, type Preferences } from "./preferring.ts";
export type { Money } from "./money.ts";
export type { ClientEvent, SpendFacts } from "./events.ts";
export { knownOffers, type KnownOffers, type KnownOffersOptions } from "./known-offers.ts";
export { limitConcurrency, type PaymentSlots } from "./slots.ts";
export { refusePrivateAddresses, type PrivateAddressOptions } from "./private-addresses.ts";
export { reconcileSpending, type Reconciled } from "./reconcile.ts";
export { memorySpendStore } from "./memory-spend-store.ts";
export type {
  Spend,
  SpendChange,
  SpendLimit,
  SpendRefusal,
  SpendScope,
  SpendState,
  SpendStore,
  TakenSpend,
} from "./spend-store.ts";
export { getPaymentReceipt } from "./receipt.ts";
export {
  PaymentRefused,
  PaymentRejected,
  PaymentUncertain,
  type FailedReply,
  type PaymentRule,
  type Refusal,
  type UncertainReply,
} from "./errors.ts";
export { X402Error } from "../core/errors.ts";
