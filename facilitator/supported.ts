import type { Supported, SupportedKind } from "../src/core/messages.ts";
import { networkToV1 } from "../src/core/messages-v1.ts";
import { networkFamily } from "../src/core/network.ts";
import type { FacilitatorScheme } from "../src/core/scheme.ts";
import type { SettlementChain } from "./settlement-chain.ts";
import { areDeployed } from "./settlement/deployed.ts";

/**
 * Answer of `/supported`: every scheme on every chain of its family that has its contracts, under its v2 name and, where
 * there is one, its v1 name.
 *
 * @param sponsors whether gas is paid for payers.
 */
export async function supportedKinds(
  schemes: readonly FacilitatorScheme[],
  chains: readonly SettlementChain[],
  sponsors: boolean,
): Promise<Supported> {
  const kinds = await Promise.all(
    chains.flatMap((chain) => schemes.map((scheme) => kindsOf(scheme, chain))),
  );
  const signers = [
    ...new Set(chains.flatMap((chain) => chain.signers.map(({ address }) => address))),
  ];
  const extensions = sponsors
    ? [...new Set(schemes.flatMap((scheme) => scheme.extensions ?? []))]
    : [];
  return { kinds: kinds.flat(), extensions, signers: { "eip155:*": signers } };
}

async function kindsOf(
  scheme: FacilitatorScheme,
  { chain, signers }: SettlementChain,
): Promise<readonly SupportedKind[]> {
  const { network } = chain;
  if (scheme.family !== networkFamily(network)) return [];
  // A chain that does not answer now has what it has.
  const there = await areDeployed(chain, scheme.contracts ?? []).catch(() => true);
  if (!there) return [];
  const addresses = signers.map(({ address }) => address);
  const extra = scheme.extra?.(network, addresses);
  const kind = { scheme: scheme.scheme, ...(extra && { extra }) };
  const v1 = networkToV1(network);
  return [
    { x402Version: 2, network, ...kind },
    ...(v1 === undefined ? [] : [{ x402Version: 1, network: v1, ...kind }]),
  ];
}
