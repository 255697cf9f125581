import { TRANSITION_FIELDS } from "./input.ts";
import { SETTLEMENT_RECORD_VERSION, SETTLEMENT_TRANSITIONS } from "./ledger.ts";
import type { SettlementRecord, SettlementState } from "./ledger.ts";

/** Reads what HGETALL answered inside a script (`[field, value, …]`). Nothing: it is not a whole record of this key. */
export function parseRecord(key: string, reply: unknown): SettlementRecord | undefined {
  const fields = fieldsOf(reply);
  const text = (name: string): string | undefined => fields.get(name);
  const number = (name: string): number => {
    const value = text(name) ?? "";
    return /^(0|[1-9][0-9]{0,15})$/.test(value) ? Number(value) : Number.NaN;
  };
  const state = text("state");
  const claimant = text("claimant");
  const requirementsHash = text("requirementsHash");
  const payment = text("payment");
  const handedOut = text("handedOut");
  const numbers = {
    version: number("version"),
    fence: number("fence"),
    createdAtMs: number("createdAtMs"),
    updatedAtMs: number("updatedAtMs"),
    leaseUntilMs: number("leaseUntilMs"),
  };
  if (
    text("key") !== key ||
    numbers.version !== SETTLEMENT_RECORD_VERSION ||
    !Object.values(numbers).every(Number.isSafeInteger) ||
    !isState(state) ||
    claimant === undefined ||
    requirementsHash === undefined ||
    payment === undefined ||
    (handedOut !== "0" && handedOut !== "1")
  ) {
    return undefined;
  }
  const facts = TRANSITION_FIELDS.flatMap((name) => {
    const value = text(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...numbers,
    key,
    state,
    claimant,
    requirementsHash,
    payment,
    handedOut: handedOut === "1",
    ...Object.fromEntries(facts),
  };
}

function fieldsOf(reply: unknown): Map<string, string> {
  const fields = new Map<string, string>();
  if (!Array.isArray(reply)) return fields;
  for (let i = 0; i + 1 < reply.length; i += 2) fields.set(String(reply[i]), String(reply[i + 1]));
  return fields;
}

function isState(text: string | undefined): text is SettlementState {
  return text !== undefined && Object.hasOwn(SETTLEMENT_TRANSITIONS, text);
}
