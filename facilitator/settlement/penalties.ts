/**
 * What contracts of payers' choosing may cost. A simulation cannot promise what happens in a block, so whoever passes it
 * and fails on the chain is refused for a growing time, and what may be burnt in vain in a day is bounded.
 *
 * All of it is kept as holds in the ledger, so that replicas share it: gas is held on a wallet's budget before it is
 * risked, and what was burnt is held for a day.
 */
import { MAX_UINT256 } from "../../src/core/amount.ts";
import type { Reason } from "../../src/core/reasons.ts";
import type { Hex, Liable } from "../../src/core/scheme.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";

export interface PenaltyOptions {
  /** Most gas that the settlements of one wallet may burn in vain in a day; default 3,000,000. */
  readonly walletGasBudget?: bigint;
  /** The same for all wallets of one factory or delegation manager; default 30,000,000. */
  readonly sharedGasBudget?: bigint;
  /** How long a wallet is refused after its first failure of the day; four times as long after each more. Default one minute, at most a day. */
  readonly refusalMs?: number;
}

export interface Penalties {
  /** Why settlements for these contracts are refused right now, if they are. */
  refusal(liable: Liable): Promise<Reason | undefined>;
  /** Sets gas aside on the wallet's budget for a payment that is about to be signed; gives why not, if not. */
  reserve(payment: string, liable: Liable, gas: bigint): Promise<Reason | undefined>;
  /** Ends what was set aside: the payment was settled, or is not sent. What it burnt before stays. */
  acquit(payment: string, liable: Liable): Promise<void>;
  /** The payment passed the simulation and failed on the chain. Once for a payment, however often it is told. */
  punish(payment: string, liable: Liable, gasUsed: bigint): Promise<void>;
}

const DAY_MS = 24 * 3600 * 1000;
/** Longer than a settlement takes; a crash leaves its reservation behind for so long. */
const RESERVATION_MS = 10 * 60 * 1000;
/** After so many failures a wallet is refused for a day, whatever the first minute was. */
const MAX_STRIKES = 8;

/** @throws TypeError for budgets that are no amounts of gas, and times that are none. */
export function createPenalties(
  ledger: Pick<Ledger, "hold" | "unhold">,
  network: string,
  options: PenaltyOptions = {},
): Penalties {
  const {
    walletGasBudget = 3_000_000n,
    sharedGasBudget = 30_000_000n,
    refusalMs = 60_000,
  } = options;
  if (walletGasBudget < 0n || sharedGasBudget < 0n)
    throw new TypeError("walletGasBudget and sharedGasBudget must not be negative");
  if (!Number.isSafeInteger(refusalMs) || refusalMs < 1 || refusalMs > DAY_MS)
    throw new TypeError("refusalMs must be whole milliseconds, from 1 to a day");
  const reserved = (payment: string) => `reserved:${payment}`;
  const account = (what: string, contract: Hex) => `${what}:${network}:${contract}`;

  /** Whether what is held there is at most so much. */
  const isWithin = (name: string, most: bigint): Promise<boolean> =>
    ledger.hold({ account: name, id: "look", amount: 0n, available: most, ttlMs: 1 });
  const keep = (name: string, id: string, amount: bigint, ttlMs: number) =>
    ledger.hold({ account: name, id, amount, available: MAX_UINT256, ttlMs });

  async function strikes(name: string): Promise<number> {
    for (let count = 0; count < MAX_STRIKES; count++) {
      if (await isWithin(name, BigInt(count))) return count;
    }
    return MAX_STRIKES;
  }

  return {
    async refusal({ wallet, shared }) {
      const [isFree, isCheap] = await Promise.all([
        isWithin(account("refused", wallet), 0n),
        shared === undefined || isWithin(account("burnt", shared), sharedGasBudget),
      ]);
      if (!isFree) return "wallet_refused";
      return isCheap ? undefined : "wallet_gas_budget_exceeded";
    },

    async reserve(payment, { wallet }, gas) {
      const isHeld = await ledger.hold({
        account: account("burnt", wallet),
        id: reserved(payment),
        amount: gas,
        available: walletGasBudget,
        ttlMs: RESERVATION_MS,
      });
      return isHeld ? undefined : "wallet_gas_budget_exceeded";
    },

    acquit: (payment, { wallet }) => ledger.unhold(account("burnt", wallet), reserved(payment)),

    async punish(payment, { wallet, shared }, gasUsed) {
      const strikeAccount = account("strikes", wallet);
      await Promise.all([
        keep(account("burnt", wallet), payment, gasUsed, DAY_MS),
        shared && keep(account("burnt", shared), payment, gasUsed, DAY_MS),
        keep(strikeAccount, payment, 1n, DAY_MS),
      ]);
      await ledger.unhold(account("burnt", wallet), reserved(payment));
      const count = await strikes(strikeAccount);
      const ttlMs = count >= MAX_STRIKES ? DAY_MS : Math.min(DAY_MS, refusalMs * 4 ** (count - 1));
      await keep(account("refused", wallet), "refused", 1n, ttlMs);
    },
  };
}
