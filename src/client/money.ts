import { parseAmount } from "../core/amount.ts";
import type { KnownAsset } from "../core/scheme.ts";

/**
 * Amounts as people write them: dollars (`"$1"`, `"0.05"`), which every dollar token counts in, or whole tokens of
 * another kind (`"5 EURC"`). A list has one for each unit.
 */
export type Money = string | readonly string[];

/** Amounts are compared at this many decimals, which no token has more of. */
export const DECIMALS = 36;
/** Budgets count in millionths. */
const MILLIONTH = 10n ** 30n;
export const DOLLARS = "USD";

/** Unit, and amount in units of 10^-36. */
export type Amounts = ReadonlyMap<string, bigint>;

/** @throws TypeError naming the option when it is no amount, or has one unit twice. */
export function parseMoney(money: Money, option: string): Amounts {
  const amounts = new Map<string, bigint>();
  for (const text of [money].flat()) {
    const [number = "", unit = DOLLARS, ...more] = text.split(" ");
    const isOdd = unit === "" || (number.startsWith("$") && unit !== DOLLARS);
    try {
      if (more.length > 0 || isOdd || amounts.has(unit))
        throw new TypeError(`"${text}" is not an amount such as "$1" or "5 EURC", or double`);
      amounts.set(unit, parseAmount(number, DECIMALS));
    } catch (error) {
      throw new TypeError(`${option}: ${(error as Error).message}`, { cause: error });
    }
  }
  return amounts;
}

/** What a token is counted in. */
export const unitOf = (asset: KnownAsset): string => (asset.usd ? DOLLARS : asset.symbol);

/** Atomic units of a token at 36 decimals. */
export const scaled = (amount: bigint, { decimals }: KnownAsset): bigint =>
  amount * 10n ** BigInt(DECIMALS - decimals);

/** Millionths of a payment, rounded up. */
export const spendValue = (amount: bigint): number => Number((amount + MILLIONTH - 1n) / MILLIONTH);

/** Millionths of a limit, rounded down. */
export const limitValue = (amount: bigint): number => Number(amount / MILLIONTH);

/** An amount in whole units, for people: `$1.5`, `5 EURC`. */
export const human = (amount: string, unit: string): string =>
  unit === DOLLARS ? `$${amount}` : `${amount} ${unit}`;
