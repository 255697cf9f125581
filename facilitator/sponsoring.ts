import type { FacilitatorScheme, SchemePayment } from "../src/core/scheme.ts";
import type { Ledger } from "../src/ledger/ledger.ts";
import type { EvmChain } from "./chain.ts";

/**
 * What may be spent on gas that is the payers' to pay, in wei on each network, in any 24 hours. It is counted before it
 * is spent, at the highest fee, and shared by all who share the ledger.
 */
export interface SponsoringOptions {
  readonly perPayerPerDay: bigint;
  /** For all payers together. */
  readonly perDay: bigint;
}

const DAY_MS = 24 * 3600 * 1000;

/** What one call counts against the budgets for a payment. */
export interface Sponsored {
  /** Whether the budgets have it, for a verify: set aside for so long. */
  verify(ttlMs: number): Promise<boolean>;
  /** Counts it for a payment that was claimed with this fence, unless the budgets do not have it. */
  begin(fence: number): Promise<boolean>;
  /** Nothing was spent: what this call has counted is free again. */
  giveBack(): Promise<void>;
}

/** @returns what a payment costs the sponsor; nothing when it costs nothing. */
export type Sponsor = (
  scheme: FacilitatorScheme,
  payment: SchemePayment,
  key: string,
  chain: EvmChain,
) => Sponsored | undefined;

/** @throws TypeError for budgets that are none. */
export function createSponsor(
  { perPayerPerDay, perDay }: SponsoringOptions,
  ledger: Ledger,
): Sponsor {
  for (const [name, wei] of Object.entries({ perPayerPerDay, perDay })) {
    if (typeof wei !== "bigint" || wei < 0n || wei >= 1n << 256n)
      throw new TypeError(`sponsoring.${name} is not an amount of wei, a bigint`);
  }
  return (scheme, payment, key, chain) => {
    const gas = scheme.sponsoredGas?.(payment) ?? 0n;
    if (gas === 0n) return undefined;
    const all = `sponsored:${payment.network}`;
    const budgets = [
      { account: `${all}:${payment.payer}`, available: perPayerPerDay },
      { account: all, available: perDay },
    ];
    let counted: string | undefined;

    async function count(id: string, ttlMs: number): Promise<boolean> {
      const amount = gas * (await chain.fees()).maxFeePerGas;
      counted = id;
      for (const budget of budgets) {
        if (await ledger.hold({ ...budget, id, amount, ttlMs })) continue;
        await giveBack(id);
        return false;
      }
      return true;
    }

    async function giveBack(id = counted): Promise<void> {
      if (id === undefined) return;
      await Promise.all(budgets.map(({ account }) => ledger.unhold(account, id)));
    }

    return {
      verify: (ttlMs) => count(`verify:${key}`, ttlMs),
      async begin(fence) {
        // Of an earlier claim nothing was signed, or there would be no new one.
        await giveBack();
        await giveBack(`verify:${key}`);
        // By the fence: whoever claims it next counts for itself, and nobody gives back what is another's.
        return await count(`${key}:${fence}`, DAY_MS);
      },
      giveBack: () => giveBack(),
    };
  };
}
