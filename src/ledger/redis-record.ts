import { SETTLEMENT_RECORD_VERSION, SETTLEMENT_TRANSITIONS } from "./ledger.ts";
import type { SettlementRecord, SettlementState } from "./ledger.ts";

/** The fields of a record's hash, in the order in which scripts answer their values. */
export const RECORD_FIELDS = [
  "version",
  "key",
  "state",
  "fence",
  "claimant",
  "requirementsHash",
  "payment",
  "token",
  "transaction",
  "block",
  "reason",
  "handedOutTo",
  "createdAtMs",
  "signedAtMs",
  "finishedAtMs",
  "leaseUntilMs",
] as const satisfies (keyof SettlementRecord)[];

const OPTIONAL: ReadonlySet<string> = new Set([
  "transaction",
  "block",
  "reason",
  "signedAtMs",
  "finishedAtMs",
]);
const NUMBERS: ReadonlySet<string> = new Set([
  "version",
  "fence",
  "createdAtMs",
  "signedAtMs",
  "finishedAtMs",
  "leaseUntilMs",
]);

/** Reads the values of `RECORD_FIELDS`. Nothing: it is not a whole record of this key. */
export function parseRecord(key: string, reply: unknown): SettlementRecord | undefined {
  if (!Array.isArray(reply) || reply.length !== RECORD_FIELDS.length) return undefined;
  const record: Record<string, unknown> = {};
  for (let i = 0; i < RECORD_FIELDS.length; i++) {
    const name = RECORD_FIELDS[i] as string;
    const text: unknown = reply[i];
    if (text === null && OPTIONAL.has(name)) continue;
    const value = NUMBERS.has(name) ? parseWholeNumber(text) : text;
    if (value === undefined || value === null) return undefined;
    record[name] = value;
  }
  const whole =
    record["key"] === key &&
    record["version"] === SETTLEMENT_RECORD_VERSION &&
    isState(record["state"]);
  return whole ? (record as unknown as SettlementRecord) : undefined;
}

/** A safe integer of at least 0 in its one decimal form. */
export function parseWholeNumber(text: unknown): number | undefined {
  if (typeof text !== "string" || !/^(0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}

function isState(text: unknown): text is SettlementState {
  return typeof text === "string" && Object.hasOwn(SETTLEMENT_TRANSITIONS, text);
}
