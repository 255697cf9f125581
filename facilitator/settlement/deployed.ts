import type { ChainReader, Hex, SchemePayment, SettlementCall } from "../../src/core/scheme.ts";

/** Contracts that were seen on a chain; they stay. */
const seen = new WeakMap<ChainReader, Set<Hex>>();

/** Whether there is code at all of these addresses. Each is asked for once. */
export async function areDeployed(chain: ChainReader, addresses: readonly Hex[]): Promise<boolean> {
  const known = seen.get(chain) ?? new Set<Hex>();
  seen.set(chain, known);
  const found = await Promise.all(
    addresses.map(async (address) => {
      if (known.has(address)) return true;
      if ((await chain.code(address)) === "0x") return false;
      known.add(address);
      return true;
    }),
  );
  return found.every(Boolean);
}

/**
 * Whether a payment's contracts are on the chain: its asset, and what its settlement calls. A call to an address without
 * code succeeds and does nothing.
 */
export const isDeployed = (
  chain: ChainReader,
  { asset }: SchemePayment,
  { to, contracts = [] }: Pick<SettlementCall, "to" | "contracts">,
): Promise<boolean> => areDeployed(chain, [asset, to, ...contracts]);
