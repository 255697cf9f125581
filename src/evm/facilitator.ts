/** `farthing/evm/facilitator`: EVM schemes for facilitators. */
export { exactEvmFacilitator, type ExactEvmFacilitatorOptions } from "./exact/facilitator.ts";
export type { Erc6492Factory } from "./wallet-signature.ts";
export { KNOWN_ASSETS, type EvmAsset } from "./assets.ts";
