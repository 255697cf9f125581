import { X402_UPTO_PERMIT2_PROXY_ADDRESS } from "../../../contracts-abi/x402-upto-permit2-proxy.ts";
import type { ClientScheme } from "../../core/scheme.ts";
import type { PaymentRequirements } from "../../core/messages.ts";
import { checksumAddress, parseAddress } from "../address.ts";
import { findAsset, KNOWN_ASSETS, type EvmAsset } from "../assets.ts";
import { excludesPermit, signPermit } from "../permit2/client.ts";
import { permitParties } from "../permit2/parties.ts";
import { extendPermit2 } from "../permit2/sponsoring-client.ts";
import type { PaymentReader } from "../rpc-reader.ts";
import { toSigner, type EvmSigner, type EvmWallet } from "../signer.ts";

export interface UptoEvmClientOptions {
  /** Who pays: a viem account, a viem wallet client, or `{ address, signTypedData }`. Sellers leave it out. */
  readonly account?: EvmSigner | EvmWallet;
  /** Where a buyer looks for the allowance, and for what became of a payment: `rpcReader({ "eip155:8453": "https://…" })`. */
  readonly chain?: PaymentReader;
  /**
   * Whether an account that signs transactions may sign one that lets Permit2 move any amount of a token, for a seller's
   * facilitator to send: where the seller declares that, and the token has no EIP-2612. Default: no.
   */
  readonly signApprovals?: boolean;
  /** Tokens beside `KNOWN_ASSETS` that may be paid with. */
  readonly assets?: readonly EvmAsset[];
}

/**
 * `upto` on EVM chains for buyers: signs the most that a request may cost. The account has to allow Permit2 once for every
 * token (`permit2Approval`).
 *
 * @throws TypeError for an account that cannot sign.
 */
export function uptoEvmClient(options: UptoEvmClientOptions): ClientScheme {
  const { chain, signApprovals } = options;
  const account = options.account && toSigner(options.account);
  const assets = [...(options.assets ?? []), ...KNOWN_ASSETS];
  return {
    scheme: "upto",
    family: "eip155",
    ...(account && { payer: account.address }),
    asset: (requirements) => findAsset(assets, requirements.network, requirements.asset),
    supports: (requirements) => account !== undefined && witnessOf(requirements) !== undefined,
    async createPayload(requirements, context) {
      const witness = witnessOf(requirements);
      if (account === undefined)
        throw new TypeError("uptoEvm: give an account to pay with: uptoEvm({ account })");
      if (witness === undefined)
        throw new TypeError("uptoEvm: these requirements cannot be paid with upto");
      return signPermit(account, chain, requirements, context, {
        spender: X402_UPTO_PERMIT2_PROXY_ADDRESS,
        witness,
        witnessType: [
          { name: "to", type: "address" },
          { name: "facilitator", type: "address" },
          { name: "validAfter", type: "uint256" },
        ],
      });
    },
    async extend(declared, requirements, context) {
      if (account === undefined || witnessOf(requirements) === undefined) return {};
      const asset = findAsset(assets, requirements.network, requirements.asset);
      return extendPermit2(
        { account, chain, asset, signApprovals },
        declared,
        requirements,
        context,
      );
    },
    excludes: (earlier, requirements) =>
      account !== undefined &&
      witnessOf(requirements) !== undefined &&
      excludesPermit(account, earlier, requirements),
    ...(chain?.paymentFate && { fate: chain.paymentFate }),
  };
}

/** What is signed beside the permit; nothing when these requirements cannot be paid. */
function witnessOf(requirements: PaymentRequirements) {
  const { facilitatorAddress, assetTransferMethod = "permit2" } = requirements.extra ?? {};
  const facilitator = parseAddress(String(facilitatorAddress));
  const parties = permitParties(requirements);
  return requirements.scheme === "upto" &&
    assetTransferMethod === "permit2" &&
    facilitator !== undefined &&
    parties !== undefined
    ? { to: parties.payTo, facilitator: checksumAddress(facilitator), validAfter: "0" }
    : undefined;
}
