/** `farthing/facilitator`: verifies payments and settles them on chain. */
export {
  createFacilitator,
  type CreateFacilitatorOptions,
  type FacilitatorEngine,
} from "./engine.ts";
export { createFacilitatorApp, type FacilitatorAppOptions } from "./app.ts";
export { evmChain, type EvmChain, type EvmChainOptions } from "./chain.ts";
