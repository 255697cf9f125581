/** `farthing/server`: the paywall behind every adapter. */
export { createPaywall, type Paywall } from "./paywall.ts";
export type { Outcome, WebGate } from "./web.ts";
export type {
  Admitted,
  Answer,
  AnswerBody,
  Decision,
  Gate,
  PageContext,
  Payment,
  PaywallPage,
  PaywallRequest,
} from "./gate.ts";
export type {
  HttpResponseBody,
  Offer,
  PaywallOptions,
  PerRequest,
  RouteOptions,
  SettleMode,
} from "./options.ts";
export type { Accepts } from "./route.ts";
export type { CorsOptions } from "./cors.ts";
export type { GuardContext, PaymentFacts, PaywallEvent, PaywallHooks } from "./events.ts";
export { httpFacilitator, type HttpFacilitatorOptions } from "./http-facilitator.ts";
