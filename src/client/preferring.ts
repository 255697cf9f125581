import type { Proposal } from "./proposal.ts";

/** What is preferred comes first, in this order. */
export interface Preferences {
  /** For example `"eip155:8453"`. */
  readonly networks?: readonly string[];
  /** Addresses or symbols. */
  readonly assets?: readonly string[];
}

/**
 * A `select` that prefers networks, then assets, then what is cheapest; what is in no list comes last, and is paid all the
 * same.
 */
export function preferring({ networks, assets }: Preferences) {
  const rank = (list: readonly string[] = [], ...names: readonly string[]): number => {
    const wanted = new Set(names.map((name) => name.toLowerCase()));
    const index = list.findIndex((entry) => wanted.has(entry.toLowerCase()));
    return index < 0 ? list.length : index;
  };
  const score = ({ requirements: { network, asset }, symbol }: Proposal): number =>
    rank(networks, network) * (1 + (assets?.length ?? 0)) + rank(assets, asset, symbol);
  return (proposals: readonly Proposal[]): Proposal[] =>
    proposals.toSorted((a, b) => score(a) - score(b));
}
