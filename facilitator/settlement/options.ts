import type { SchemePayment } from "../../src/core/scheme.ts";
import type { PenaltyOptions } from "./penalties.ts";

/**
 * When a payment is answered with success: as soon as a node has taken its transaction (a promise, for small amounts and
 * named claimants only; what becomes of it is still watched), in so many blocks counting its own, or when the chain
 * calls it final.
 */
export type Confirmation = "broadcast" | number | "finalized";

export interface SettlementOptions extends PenaltyOptions {
  /** Most payments in one transaction, through Multicall3; 1 switches batches off. Default 100. */
  readonly maxBatch?: number;
  /** Most gas of one transaction; default 12,000,000, under the cap of EIP-7825. */
  readonly maxBatchGas?: bigint;
  /** Most transactions of one signer that are sent and not mined yet; default 16. */
  readonly window?: number;
  /** Confirmations that a payment needs, perhaps by its value; default 1. */
  readonly confirmations?: Confirmation | ((payment: SchemePayment) => Confirmation);
  /** Blocks after which a transaction is no longer watched for reorganizations; default 12. */
  readonly reorgDepth?: number;
  /** How long a transaction may wait before it is sent again and, with a higher fee, replaced; default 3 and 10 blocks, at least 3 and 10 s. */
  readonly resendAfterMs?: number;
  readonly replaceAfterMs?: number;
}

export type ResolvedOptions = Required<
  Omit<SettlementOptions, "resendAfterMs" | "replaceAfterMs" | keyof PenaltyOptions>
> &
  Pick<SettlementOptions, "resendAfterMs" | "replaceAfterMs">;

export function resolveOptions(options: SettlementOptions): ResolvedOptions {
  return {
    maxBatch: 100,
    maxBatchGas: 12_000_000n,
    window: 16,
    confirmations: 1,
    reorgDepth: 12,
    ...options,
  };
}

export type FlightEvent = "sent" | "mined" | "replaced" | "resent" | "nonce_lost" | "reorganized";

/** What the engine tells observers: for logs, metrics and tests. Nothing in it is secret. */
export type SettlementEvent =
  | { readonly type: "lane_acquired" | "lane_lost"; readonly lane: string }
  | { readonly type: "lane_suspended"; readonly lane: string; readonly reason: string }
  | { readonly type: "lane_resumed"; readonly lane: string }
  /** Its settlement passed the simulation and failed on chain; `gas` was burnt. */
  | {
      readonly type: "wallet_punished";
      readonly lane: string;
      readonly wallet: string;
      readonly gas: string;
    }
  | {
      readonly type: FlightEvent;
      readonly lane: string;
      readonly transaction: string;
      readonly payments: number;
    }
  | {
      readonly type: "failed";
      readonly lane: string;
      readonly step: string;
      readonly error: unknown;
    };

/** Names of the steps between claim and answer, in their order; tests stop the process at each. */
export type Step =
  | "claimed"
  | "simulated"
  | "signed"
  | "recorded"
  | "marked"
  | "broadcast"
  | "mined"
  | "concluded"
  | "handed_out";
