import { TRANSITION_FIELDS } from "./input.ts";
import { SETTLEMENT_RECORD_VERSION, SETTLEMENT_TRANSITIONS } from "./ledger.ts";
import type { SettlementRecord, SettlementState } from "./ledger.ts";

const TEXTS = ["claimant", "requirementsHash", "payment", "token", "handedOutTo"] as const;
const NUMBERS = ["version", "fence", "createdAtMs", "leaseUntilMs"] as const;
const OPTIONAL_NUMBERS = ["signedAtMs", "finishedAtMs"] as const;

/** Reads what HGETALL answered inside a script (`[field, value, …]`). Nothing: it is not a whole record of this key. */
export function parseRecord(key: string, reply: unknown): SettlementRecord | undefined {
  const fields = fieldsOf(reply);
  const record: Record<string, string | number> = { key };
  for (const name of TEXTS) {
    const text = fields.get(name);
    if (text === undefined) return undefined;
    record[name] = text;
  }
  for (const name of NUMBERS) {
    const number = parseWholeNumber(fields.get(name));
    if (number === undefined) return undefined;
    record[name] = number;
  }
  for (const name of OPTIONAL_NUMBERS) {
    if (!fields.has(name)) continue;
    const number = parseWholeNumber(fields.get(name));
    if (number === undefined) return undefined;
    record[name] = number;
  }
  for (const name of TRANSITION_FIELDS) {
    const text = fields.get(name);
    if (text !== undefined) record[name] = text;
  }
  const state = fields.get("state");
  if (
    fields.get("key") !== key ||
    record["version"] !== SETTLEMENT_RECORD_VERSION ||
    !isState(state)
  ) {
    return undefined;
  }
  return { ...record, state } as unknown as SettlementRecord;
}

/** Fields and values, from the list that HGETALL answers inside a script. */
export function fieldsOf(reply: unknown): Map<string, string> {
  const fields = new Map<string, string>();
  if (!Array.isArray(reply)) return fields;
  for (let i = 0; i + 1 < reply.length; i += 2) fields.set(String(reply[i]), String(reply[i + 1]));
  return fields;
}

/** A safe integer of at least 0 in its one decimal form. */
export function parseWholeNumber(text: unknown): number | undefined {
  if (typeof text !== "string" || !/^(0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}

function isState(text: string | undefined): text is SettlementState {
  return text !== undefined && Object.hasOwn(SETTLEMENT_TRANSITIONS, text);
}
