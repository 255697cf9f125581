export { SETTLEMENT_RECORD_VERSION, SETTLEMENT_TRANSITIONS } from "./ledger.ts";
export type {
  Claim,
  ClaimInput,
  Ledger,
  SettlementRecord,
  SettlementState,
  Transition,
} from "./ledger.ts";
export { memoryLedger } from "./memory.ts";
