/** `farthing/evm`: EVM schemes for buyers and sellers. */
export { exactEvm, type ExactEvmOptions } from "./exact-evm.ts";
export { exactEvmClient, type ExactEvmClientOptions } from "./exact-evm-client.ts";
export { exactEvmServer, type ExactEvmServerOptions } from "./exact-evm-server.ts";
export { uptoEvm, type UptoEvmOptions } from "./upto/upto-evm.ts";
export { uptoEvmClient, type UptoEvmClientOptions } from "./upto/client.ts";
export { uptoEvmServer, type UptoEvmServerOptions } from "./upto/server.ts";
export {
  readFacilitatorAddress,
  type FacilitatorAddress,
  type FacilitatorAddresses,
} from "./upto/facilitator-address.ts";
export { permit2 } from "./exact/permit2-client.ts";
export type { ExactClientMethod } from "./exact/client-method.ts";
export { permit2Approval, type Permit2ApprovalOptions } from "./permit2/approval.ts";
export type { GasSponsoring } from "./permit2/sponsoring.ts";
export type { EvmSigner, EvmTypedData, EvmWallet } from "./signer.ts";
export { rpcReader, type PaymentReader, type RpcReaderOptions } from "./rpc-reader.ts";
export { KNOWN_ASSETS, type EvmAsset } from "./assets.ts";
export { TESTNETS } from "./networks.ts";
export { checksumAddress, parseAddress } from "./address.ts";
