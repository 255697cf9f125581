import type { ClientScheme } from "../core/scheme.ts";
import { findAsset, KNOWN_ASSETS, type EvmAsset } from "./assets.ts";
import {
  authorizationFate,
  excludesEarlier,
  readTerms,
  signAuthorization,
  type EvmSigner,
} from "./exact/client.ts";
import type { PaymentReader } from "./rpc-reader.ts";
import { toSigner, type EvmWallet } from "./signer.ts";

export interface ExactEvmClientOptions {
  /** Who pays: a viem account, a viem wallet client, or `{ address, signTypedData }`. Sellers leave it out. */
  readonly account?: EvmSigner | EvmWallet;
  /**
   * Where a buyer looks what became of a payment that nobody answered for: `rpcReader({ "eip155:8453": "https://…" })`.
   * Without it, what is not known stays so.
   */
  readonly chain?: PaymentReader;
  /** Tokens beside `KNOWN_ASSETS` that may be paid with. */
  readonly assets?: readonly EvmAsset[];
}

/**
 * `exact` on EVM chains for buyers.
 *
 * @throws TypeError for an account that cannot sign.
 */
export function exactEvmClient(options: ExactEvmClientOptions): ClientScheme {
  const { chain } = options;
  const account = options.account && toSigner(options.account);
  const assets = [...(options.assets ?? []), ...KNOWN_ASSETS];
  return {
    scheme: "exact",
    family: "eip155",
    ...(account && { payer: account.address }),
    asset: (requirements) => findAsset(assets, requirements.network, requirements.asset),
    supports: (requirements) => account !== undefined && readTerms(requirements) !== undefined,
    async createPayload(requirements, context) {
      if (account === undefined)
        throw new TypeError("exactEvm: give an account to pay with: exactEvm({ account })");
      return signAuthorization(account, requirements, context);
    },
    excludes: (earlier, requirements) =>
      account !== undefined && excludesEarlier(account, earlier, requirements),
    ...(chain && {
      fate: (payload, requirements) => authorizationFate(chain, payload, requirements),
    }),
  };
}
