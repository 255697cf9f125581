/** `farthing/facilitator`: verifies payments and settles them on chain. */
export {
  createFacilitator,
  type CreateFacilitatorOptions,
  type FacilitatorEngine,
} from "./engine.ts";
export type { SponsoringOptions } from "./sponsoring.ts";
export type { Settlement } from "./settlement-record.ts";
export { createFacilitatorApp, type FacilitatorAppOptions } from "./app.ts";
export { evmChain, type EvmChainOptions, type SettlementChain } from "./settlement-chain.ts";
export type { Confirmation, SettlementEvent, SettlementOptions } from "./settlement/options.ts";
