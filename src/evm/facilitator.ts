/** `farthing/evm/facilitator`: EVM schemes for facilitators. */
export {
  exactEvmFacilitator,
  type ExactEvmFacilitatorOptions,
  type ExactPayment,
} from "./exact-evm-facilitator.ts";
export { uptoEvmFacilitator, type UptoEvmFacilitatorOptions } from "./upto/facilitator.ts";
export type { Erc6492Factory } from "./wallet-signature.ts";
export { KNOWN_ASSETS, type EvmAsset } from "./assets.ts";
