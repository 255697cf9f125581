import type { Spend } from "./spend-store.ts";

/** Version of the layout in Redis. */
export const SPEND_VERSION = 1;

/** Fields of a payment that scripts read or change; the others are in `spend`, as JSON, and never change. */
export const SPEND_FIELDS = [
  "spend",
  "state",
  "atMs",
  "owner",
  "leaseUntilMs",
  "expiresAtMs",
  "x402Version",
  "payload",
  "headers",
  "transaction",
  "reason",
  "refused",
] as const;

type Field = (typeof SPEND_FIELDS)[number];

const TEXTS: ReadonlySet<string> = new Set<Field>(["state", "owner"]);

/** Names and values of the fields to set, times left out: those are told by the server's clock. */
export function fieldsOf(change: Partial<Spend>): string[] {
  return Object.entries(change).flatMap(([name, value]) =>
    value === undefined || !isField(name) || name.endsWith("Ms")
      ? []
      : [name, TEXTS.has(name) ? (value as string) : JSON.stringify(value)],
  );
}

/** The rest of a payment. */
export function unchangingOf(spend: Spend): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(spend).filter(([name]) => !isField(name))),
  );
}

/** The payment in the values of `SPEND_FIELDS`; nothing when they are no payment. */
export function parseSpend(values: unknown): Spend | undefined {
  if (!Array.isArray(values) || values.length !== SPEND_FIELDS.length) return undefined;
  const [unchanging, ...others] = values as unknown[];
  try {
    const spend = JSON.parse(String(unchanging)) as Record<string, unknown>;
    for (const [i, value] of others.entries()) {
      const name = SPEND_FIELDS[i + 1] as Field;
      if (typeof value === "string") spend[name] = TEXTS.has(name) ? value : JSON.parse(value);
    }
    return typeof spend["id"] === "string" ? (spend as unknown as Spend) : undefined;
  } catch {
    return undefined;
  }
}

function isField(name: string): boolean {
  return name !== "spend" && (SPEND_FIELDS as readonly string[]).includes(name);
}
