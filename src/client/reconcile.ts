import type { ClientScheme } from "../core/scheme.ts";
import { schemeFor } from "./select.ts";
import type { Spend, SpendStore } from "./spend-store.ts";

export interface Reconciled {
  /** Payments that the chain was asked about. */
  readonly asked: number;
  /** Proven never to be taken: they count in the budgets no more. */
  readonly released: number;
  readonly taken: number;
}

/**
 * Asks the chain about payments that are counted, and were not seen to be taken; those that provably cannot be taken any
 * more are released. Schemes need to be able to tell: `exactEvm({ account, chain: rpcReader({ … }) })`.
 *
 * @throws X402Error `ledger_unavailable`, `rpc_unavailable`.
 */
export async function reconcileSpending(
  store: SpendStore,
  schemes: readonly ClientScheme[],
  nowMs: number = Date.now(),
): Promise<Reconciled> {
  let [asked, released, taken] = [0, 0, 0];
  const spends: Spend[] = [];
  for (let page: Spend[], before: string | undefined; ; before = page.at(-1)?.id) {
    page = await store.list({
      states: ["reserved", "pending", "answered", "delivered", "rejected", "replaced"],
      ...(before !== undefined && { before }),
    });
    if (page.length === 0) break;
    spends.push(...page);
  }
  // What was replaced counts for its replacement, which comes before it here, as long as that may be taken.
  const held = new Set<string | undefined>();
  for (const spend of spends) {
    const { id, replaces, payload, network, asset, expiresAtMs } = spend;
    const scheme = schemeFor(schemes, spend);
    let fate = "open";
    if (payload !== undefined && scheme?.fate && expiresAtMs <= nowMs && !held.has(id)) {
      asked += 1;
      fate = await scheme.fate(payload, { network, asset });
    }
    if (fate === "open") held.add(replaces);
    if (fate === "taken") {
      taken += 1;
      await store.update(id, { state: "paid" });
    } else if (fate === "void") {
      released += 1;
      await store.update(id, { state: "released" });
    }
  }
  return { asked, released, taken };
}
