import { isAtomicAmount, parseAmount } from "../../core/amount.ts";
import type { PaymentPayload } from "../../core/messages.ts";
import type { Network } from "../../core/network.ts";
import type { Price, ServerScheme } from "../../core/scheme.ts";
import { evmChainId } from "../../core/network.ts";
import { tryParse } from "../../core/schema.ts";
import { checksumAddress, parseAddress } from "../address.ts";
import { findAsset, type EvmAsset } from "../assets.ts";
import { delegationKey, Erc7710Payload, isErc7710 } from "./erc7710-payload.ts";
import { authorizationKey, Eip3009Payload } from "./payload.ts";

/** Requirements of a price in `exact` with EIP-3009. */
export function exactPrice(
  assets: readonly EvmAsset[],
  price: Price,
  network: Network,
): ReturnType<ServerScheme["price"]> {
  if (typeof price === "string") {
    const asset = assets.find((candidate) => candidate.network === network && candidate.usd);
    if (asset === undefined) {
      throw new TypeError(
        `no known dollar token on ${network}: give the price as { amount, asset, extra }`,
      );
    }
    const amount = positive(parseAmount(price, asset.decimals), price);
    return { asset: asset.address, amount, extra: { name: asset.name, version: asset.version } };
  }
  const address = parseAddress(price.asset);
  if (address === undefined) throw new TypeError(`price.asset "${price.asset}" is not an address`);
  if (!isAtomicAmount(price.amount)) {
    throw new TypeError(`price.amount "${price.amount}" is not a decimal string of atomic units`);
  }
  const known = findAsset(assets, network, address);
  const extra = { ...(known && { name: known.name, version: known.version }), ...price.extra };
  if (typeof extra["name"] !== "string" || typeof extra["version"] !== "string") {
    throw new TypeError(
      `token ${price.asset} is not known on ${network}: give its EIP-712 name and version in extra`,
    );
  }
  return {
    asset: checksumAddress(address),
    amount: positive(BigInt(price.amount), price.amount),
    extra,
  };
}

function positive(amount: bigint, price: string): string {
  if (amount === 0n)
    throw new TypeError(`price "${price}" is nothing: leave the route without a paywall instead`);
  return amount.toString();
}

/** Identity of a payment as the facilitator's ledger has it; nothing when the payload is malformed. */
export const exactPaymentKey: ServerScheme["paymentKey"] = (payload, requirements) => {
  if (isErc7710(payload)) return erc7710Key(payload, requirements.network);
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
