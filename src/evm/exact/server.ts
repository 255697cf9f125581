import { isAtomicAmount, parseAmount } from "../../core/amount.ts";
import type { Network } from "../../core/network.ts";
import type { Price, ServerScheme } from "../../core/scheme.ts";
import { evmChainId } from "../../core/network.ts";
import { tryParse } from "../../core/schema.ts";
import { checksumAddress, parseAddress } from "../address.ts";
import { findAsset, type EvmAsset } from "../assets.ts";
import { permit2PaymentKey } from "../permit2/server.ts";
import { authorizationKey, Eip3009Payload } from "./payload.ts";

/** Requirements of a price in `exact`. */
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
    return { asset: asset.address, amount, extra: extraOf(asset) };
  }
  const address = parseAddress(price.asset);
  if (address === undefined) throw new TypeError(`price.asset "${price.asset}" is not an address`);
  if (!isAtomicAmount(price.amount)) {
    throw new TypeError(`price.amount "${price.amount}" is not a decimal string of atomic units`);
  }
  const known = findAsset(assets, network, address);
  const extra: Record<string, unknown> = { ...(known && extraOf(known)), ...price.extra };
  const needsDomain = extra["assetTransferMethod"] !== "permit2";
  if (needsDomain && (typeof extra["name"] !== "string" || typeof extra["version"] !== "string")) {
    throw new TypeError(
      `token ${price.asset} is not known on ${network}: give its EIP-712 name and version in extra, or assetTransferMethod: "permit2"`,
    );
  }
  return {
    asset: checksumAddress(address),
    amount: positive(BigInt(price.amount), price.amount),
    extra,
  };
}

/** What the offer says of a token: how it is moved, if not by EIP-3009, and its EIP-712 domain. */
function extraOf({ name, version, transfer }: EvmAsset): Record<string, unknown> {
  return {
    ...(name !== undefined && { name }),
    ...(version !== undefined && { version }),
    ...(transfer === "permit2" && { assetTransferMethod: transfer }),
  };
}

function positive(amount: bigint, price: string): string {
  if (amount === 0n)
    throw new TypeError(`price "${price}" is nothing: leave the route without a paywall instead`);
  return amount.toString();
}

/** Identity of a payment as the facilitator's ledger has it; nothing when the payload is malformed. */
export const exactPaymentKey: ServerScheme["paymentKey"] = (payload, requirements) => {
  if (payload["permit2Authorization"] != null)
    return payload["authorization"] == null ? permit2PaymentKey(payload, requirements) : undefined;
  const decoded = tryParse(Eip3009Payload, payload);
  const chainId = evmChainId(requirements.network);
  const asset = parseAddress(requirements.asset);
  if (decoded === undefined || chainId === undefined || asset === undefined) return undefined;
  const { from, nonce } = decoded.authorization;
  return authorizationKey(chainId, asset, from, nonce);
};
