export type {
  Awaitable,
  ClaimChange,
  ClaimState,
  ClaimStore,
  PaymentClaim,
  StoredResponse,
} from "./claims.ts";
export { SETTLEMENT_RECORD_VERSION, SETTLEMENT_TRANSITIONS } from "./ledger.ts";
export type {
  Claim,
  ClaimInput,
  Hold,
  Ledger,
  SettlementRecord,
  SettlementState,
  Transition,
} from "./ledger.ts";
export type { LaneStore, LaneTransaction } from "./lanes.ts";
export { memoryClaims } from "./memory-claims.ts";
export type { MemoryClaimsOptions, MemoryClaimStore } from "./memory-claims.ts";
export { memoryLedger } from "./memory.ts";
