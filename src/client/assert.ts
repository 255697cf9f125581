/** @throws TypeError naming the option when it is not a whole number from 1 up to `most`. */
export function assertPositive(name: string, value: number, most = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isSafeInteger(value) || value <= 0 || value > most)
    throw new TypeError(
      `${name} is not a positive whole number${most < 1e9 ? ` up to ${most}` : ""}`,
    );
}
