import type { PaymentRequirements } from "../core/messages.ts";
import type { ClientScheme } from "../core/scheme.ts";
import { findAsset, KNOWN_ASSETS, type EvmAsset } from "./assets.ts";
import { eip3009 } from "./exact/client.ts";
import type { ExactClientMethod } from "./exact/client-method.ts";
import type { PaymentReader } from "./rpc-reader.ts";
import { toSigner, type EvmSigner, type EvmWallet } from "./signer.ts";

export interface ExactEvmClientOptions {
  /** Who pays: a viem account, a viem wallet client, or `{ address, signTypedData }`. Sellers leave it out. */
  readonly account?: EvmSigner | EvmWallet;
  /**
   * Where a buyer looks what became of a payment that nobody answered for: `rpcReader({ "eip155:8453": "https://…" })`.
   * Without it, what is not known stays so. Where Permit2 has no allowance and the seller declares gas sponsoring, it is
   * needed to sign the allowance.
   */
  readonly chain?: PaymentReader;
  /**
   * Whether an account that signs transactions may sign one that lets Permit2 move any amount of a token, for a seller's
   * facilitator to send: where the seller declares that, and the token has no EIP-2612. Default: no.
   */
  readonly signApprovals?: boolean;
  /** Tokens beside `KNOWN_ASSETS` that may be paid with. */
  readonly assets?: readonly EvmAsset[];
  /** Ways to pay beside EIP-3009, for example `[permit2()]`. */
  readonly methods?: readonly ExactClientMethod[];
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
  const methods = [eip3009, ...(options.methods ?? [])];
  const methodFor = (requirements: PaymentRequirements) =>
    methods.find((method) => method.supports(requirements));
  const assetOf = ({ network, asset }: PaymentRequirements) => findAsset(assets, network, asset);
  return {
    scheme: "exact",
    family: "eip155",
    ...(account && { payer: account.address }),
    asset: assetOf,
    supports: (requirements) => account !== undefined && methodFor(requirements) !== undefined,
    async createPayload(requirements, context) {
      if (account === undefined) throw new TypeError("give an account: exactEvm({ account })");
      const method = methodFor(requirements) ?? eip3009; // which says why not
      return method.sign(account, requirements, context, chain);
    },
    async extend(declared, requirements, context) {
      const buyer = account && { ...options, account, asset: assetOf(requirements) };
      return buyer && methodFor(requirements)?.extend?.(buyer, declared, requirements, context);
    },
    excludes: (earlier, requirements) =>
      account !== undefined &&
      methodFor(requirements)?.excludes(account, earlier, requirements) === true,
    ...(chain?.paymentFate && { fate: chain.paymentFate }),
  };
}
