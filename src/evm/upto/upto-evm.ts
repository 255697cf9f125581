import type { ClientScheme, ServerScheme } from "../../core/scheme.ts";
import { uptoEvmClient, type UptoEvmClientOptions } from "./client.ts";
import { uptoEvmServer, type UptoEvmServerOptions } from "./server.ts";

export interface UptoEvmOptions extends UptoEvmClientOptions, UptoEvmServerOptions {}

/**
 * The `upto` scheme on EVM chains, for buyers (with an `account`) and sellers (with a `facilitatorAddress`): a request
 * costs what it used, at most the price. Where size counts, `uptoEvmClient` and `uptoEvmServer` are its halves.
 * Source: x402 specification, `schemes/upto/scheme_upto_evm`.
 *
 * @throws TypeError for an account that cannot sign, and for a facilitator's address that is none.
 */
export function uptoEvm(options: UptoEvmOptions = {}): ClientScheme & ServerScheme {
  return { ...uptoEvmServer(options), ...uptoEvmClient(options) };
}
