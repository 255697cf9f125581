import type { PaymentPayload } from "../../core/messages.ts";
import type { Network } from "../../core/network.ts";
import type { Price, ServerScheme } from "../../core/scheme.ts";
import { evmChainId } from "../../core/network.ts";
import { tryParse } from "../../core/schema.ts";
import { parseAddress } from "../address.ts";
import type { EvmAsset } from "../assets.ts";
import { permit2PaymentKey } from "../permit2/server.ts";
import { domainOf, parsePrice } from "../price.ts";
import { delegationKey, Erc7710Payload, isErc7710 } from "./erc7710-payload.ts";
import { authorizationKey, Eip3009Payload } from "./payload.ts";

/** Requirements of a price in `exact`. */
export function exactPrice(
  assets: readonly EvmAsset[],
  price: Price,
  network: Network,
): ReturnType<ServerScheme["price"]> {
  const { asset, amount, known, extra: given } = parsePrice(assets, price, network);
  const { transfer } = known ?? {};
  const extra: Record<string, unknown> = {
    ...domainOf(known),
    ...(transfer === "permit2" && { assetTransferMethod: transfer }),
    ...given,
  };
  const { name, version, assetTransferMethod } = extra;
  const hasDomain = typeof name === "string" && typeof version === "string";
  if (!hasDomain && assetTransferMethod !== "permit2") {
    throw new TypeError(
      `token ${asset} is not known on ${network}: give its EIP-712 name and version in extra, or assetTransferMethod: "permit2"`,
    );
  }
  return { asset, amount, extra };
}

/** Identity of a payment as the facilitator's ledger has it; nothing when the payload is malformed. */
export const exactPaymentKey: ServerScheme["paymentKey"] = (payload, requirements) => {
  if (isErc7710(payload)) return erc7710Key(payload, requirements.network);
  if (payload["permit2Authorization"] != null)
    return payload["authorization"] == null ? permit2PaymentKey(payload, requirements) : undefined;
  const decoded = tryParse(Eip3009Payload, payload);
  const chainId = evmChainId(requirements.network);
  const asset = parseAddress(requirements.asset);
  if (decoded === undefined || chainId === undefined || asset === undefined) return undefined;
  const { from, nonce } = decoded.authorization;
  return authorizationKey(chainId, asset, from, nonce);
};

function erc7710Key(payload: PaymentPayload["payload"], network: Network): string | undefined {
  const decoded = tryParse(Erc7710Payload, payload);
  const chainId = evmChainId(network);
  if (decoded === undefined || chainId === undefined) return undefined;
  const { delegationManager, delegator, permissionContext } = decoded;
  return delegationKey(chainId, delegationManager, delegator, permissionContext);
}
