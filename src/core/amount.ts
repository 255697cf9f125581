const ATOMIC = /^(0|[1-9][0-9]{0,77})$/;
const HUMAN = /^(0|[1-9][0-9]{0,30})(?:\.([0-9]{1,36}))?$/;

export const MAX_UINT256 = 2n ** 256n - 1n;

/** Whether a text is an amount in atomic units as on the wire: canonical decimal digits that fit a uint256. */
export function isAtomicAmount(text: string): boolean {
  return ATOMIC.test(text) && (text.length < 78 || BigInt(text) <= MAX_UINT256);
}

/**
 * Atomic units of a human amount: `parseAmount("0.01", 6)` → `10000n`. A leading `$` is allowed.
 *
 * @throws TypeError when it is no plain decimal, or has more digits than the token: nothing is rounded.
 */
export function parseAmount(text: string, decimals: number): bigint {
  const match = HUMAN.exec(text.startsWith("$") ? text.slice(1) : text);
  if (match === null)
    throw new TypeError(`amount "${text}" is not a plain decimal such as "$0.01"`);
  const whole = match[1] ?? "";
  const fraction = (match[2] ?? "").replace(/0+$/, "");
  if (fraction.length > decimals) {
    throw new TypeError(
      `amount "${text}" has more than the ${decimals} decimals of the token; nothing is rounded`,
    );
  }
  return BigInt(whole + fraction.padEnd(decimals, "0"));
}

/** Human amount of atomic units without trailing zeros: `formatAmount(10000n, 6)` → `"0.01"`. */
export function formatAmount(atomic: bigint, decimals: number): string {
  const digits = atomic.toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "");
  return fraction === "" ? whole : `${whole}.${fraction}`;
}
