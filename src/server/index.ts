/** `farthing/server`: the paywall behind every adapter. */
export {
  createPaywall,
  type Gate,
  type Outcome,
  type Payment,
  type Paywall,
  type PaywallOptions,
  type RouteOptions,
} from "./paywall.ts";
export type { Offer } from "./offers.ts";
export { httpFacilitator, type HttpFacilitatorOptions } from "./http-facilitator.ts";
