import type { Call, ChainReader, Hex, SchemePayment } from "../../src/core/scheme.ts";

/** Contracts that were seen on a chain; they stay. */
const seen = new WeakMap<ChainReader, Set<Hex>>();

/**
 * Whether a payment's contracts are on the chain: its asset, and what its settlement calls. A call to an address without
 * code succeeds and does nothing. Each is asked for once.
 */
export async function isDeployed(
  chain: ChainReader,
  { asset }: SchemePayment,
  { to }: Call,
): Promise<boolean> {
  const known = seen.get(chain) ?? new Set<Hex>();
  seen.set(chain, known);
  const found = await Promise.all(
    [asset, to].map(async (address) => {
      if (known.has(address)) return true;
      if ((await chain.code(address)) === "0x") return false;
      known.add(address);
      return true;
    }),
  );
  return found.every(Boolean);
}
