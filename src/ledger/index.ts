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
export { memoryLedger } from "./memory.ts";
