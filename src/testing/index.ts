/**
 * `farthing/testing`: a local chain with a token like USDC, Permit2 and x402's proxies, smart accounts,
 * funded accounts, and a JSON-RPC proxy that breaks on demand. For tests and demonstrations; needs the npm package `@foundry-rs/anvil`.
 */
export { namedAccount, newAccount, type TestAccount } from "./accounts.ts";
export { startAnvil, type Anvil, type AnvilOptions } from "./anvil.ts";
export {
  createChainControl,
  createLocalClient,
  type ChainControl,
  type LocalClient,
} from "./chain-control.ts";
export { signDelegation, type Delegation } from "./delegation.ts";
export {
  installMulticall3,
  installPermit2,
  installToken,
  installWallet,
  LOCAL_CONTRACTS,
  LOCAL_TOKEN_ADDRESS,
  LOCAL_TOKEN_NAME,
  LOCAL_TOKEN_VERSION,
  type LocalTokenOptions,
} from "./local-contracts.ts";
export {
  startLocalWorld,
  type LocalWorld,
  type LocalWorldOptions,
  type TokenTransfer,
} from "./local-world.ts";
export { smartWallet, wrapErc6492, type SmartWallet } from "./smart-wallet.ts";
export type { RpcAnswer, RpcError, RpcFault, RpcFaultFunction, RpcRequest } from "./rpc-fault.ts";
export { startRpcProxy, type RpcProxy, type RpcProxyOptions } from "./rpc-proxy.ts";
