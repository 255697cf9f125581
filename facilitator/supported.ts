import type { Supported } from "../src/core/messages.ts";
import { networkToV1 } from "../src/core/messages-v1.ts";
import { networkFamily } from "../src/core/network.ts";
import type { FacilitatorScheme } from "../src/core/scheme.ts";
import type { SettlementChain } from "./settlement-chain.ts";

/** Answer of `/supported`: every scheme on every chain of its family, under its v2 name and, where there is one, its v1 name. */
export function supportedKinds(
  schemes: readonly FacilitatorScheme[],
  chains: readonly SettlementChain[],
): Supported {
  const kinds = chains.flatMap(({ chain: { network }, signers: accounts }) =>
    schemes
      .filter((scheme) => scheme.family === networkFamily(network))
      .flatMap((scheme) => {
        const extra = scheme.extra?.(
          network,
          accounts.map(({ address }) => address),
        );
        const kind = { scheme: scheme.scheme, ...(extra && { extra }) };
        const v1 = networkToV1(network);
        return [
          { x402Version: 2, network, ...kind },
          ...(v1 === undefined ? [] : [{ x402Version: 1, network: v1, ...kind }]),
        ];
      }),
  );
  const signers = [
    ...new Set(chains.flatMap((chain) => chain.signers.map(({ address }) => address))),
  ];
  return { kinds, extensions: [], signers: { "eip155:*": signers } };
}
