/** What is measured, and what the process that is measured tells. */
export const SUBJECTS = ["fetch", "farthing", "farthing-budgets", "official"] as const;
export type SubjectName = (typeof SUBJECTS)[number];

/**
 * - `free`: a route that asks for nothing.
 * - `build`: 402, payment, answer, with a signer that answers at once: the client's own work.
 * - `sign`: the same with a viem account.
 * - `first`: the payment goes with the first request, where the client can do that; signer as in `build`.
 */
export const KINDS = ["free", "build", "sign", "first"] as const;
export type Kind = (typeof KINDS)[number];

export interface Measured {
  readonly calls: number;
  /** CPU time for a call, collector included. */
  readonly cpuMicros: number;
  readonly wallMicros: number;
  readonly requests: number;
}
