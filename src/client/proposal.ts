import type { PaymentRequirements } from "../core/messages.ts";

/** What is about to be signed, for people and for functions that decide. */
export interface Proposal {
  readonly url: string;
  readonly method: string;
  readonly host: string;
  /** Exactly what is signed. */
  readonly requirements: PaymentRequirements;
  readonly symbol: string;
  /** In whole tokens, by our table: `"0.01"`. */
  readonly amount: string;
  /** What budgets count it in, and how many millionths of it. */
  readonly unit: string;
  readonly value: number;
  /** For how long the payment is valid. */
  readonly lifetimeSeconds: number;
}
