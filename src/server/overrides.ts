import type { Answer } from "./gate.ts";

/** What a handler of the reference's middleware sets to charge less than was signed for: `{"amount": "1000"}`. */
const HEADER = "settlement-overrides";
const ATOMIC = /^[0-9]{1,78}$/;

/** Takes the header out of a handler's answer: it is for the paywall, and nobody else. */
export function takeOverride(answer: Answer): { answer: Answer; override: string | undefined } {
  const { [HEADER]: value, ...headers } = answer.headers;
  if (value === undefined) return { answer, override: undefined };
  return { answer: { ...answer, headers }, override: [value].flat().join(", ") };
}

/**
 * The amount that an override charges: atomic units, or a text that is the scheme's to read, such as `"50%"` or `"$0.05"`.
 *
 * @throws TypeError when it is none.
 */
export function overriddenAmount(override: string): bigint | string {
  const { amount } = JSON.parse(override || "{}") as { amount?: unknown };
  if (typeof amount !== "string") throw new TypeError("Settlement-Overrides has no amount");
  return ATOMIC.test(amount) ? BigInt(amount) : amount;
}
