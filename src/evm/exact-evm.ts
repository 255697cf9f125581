import type { ClientScheme, ServerScheme } from "../core/scheme.ts";
import { exactEvmClient, type ExactEvmClientOptions } from "./exact-evm-client.ts";
import { exactEvmServer, type ExactEvmServerOptions } from "./exact-evm-server.ts";
import { permit2 } from "./exact/permit2-client.ts";

export interface ExactEvmOptions
  extends Omit<ExactEvmClientOptions, "methods">, ExactEvmServerOptions {}

/**
 * The `exact` scheme on EVM chains with EIP-3009 and Permit2, for buyers (with an `account`) and sellers. Where size
 * counts, `exactEvmClient` and `exactEvmServer` are its halves.
 * Source: x402 specification, `schemes/exact/scheme_exact_evm`.
 *
 * @throws TypeError for an account that cannot sign, and for a way of sponsoring that there is not.
 */
export function exactEvm(options: ExactEvmOptions = {}): ClientScheme & ServerScheme {
  const methods = [permit2()];
  return { ...exactEvmServer(options), ...exactEvmClient({ ...options, methods }) };
}
