/** @throws TypeError naming the option when it is not a whole number from 1 up to `most`. */
export function assertPositive(name: string, value: number, most: number): void {
  if (!Number.isSafeInteger(value) || value <= 0 || value > most)
    throw new TypeError(`${name} is not a whole number from 1 to ${most}`);
}
