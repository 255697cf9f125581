import { FacilitatorRequest } from "../core/facilitator-messages.ts";
import { SettleResponse } from "../core/messages.ts";
import {
  array,
  boolean,
  fail,
  number,
  object,
  optional,
  recordOf,
  string,
  tryParse,
} from "../core/schema.ts";
import type { Schema } from "../core/schema.ts";
import { CLAIM_STATES } from "./claim-input.ts";
import type { ClaimState, PaymentClaim, StoredResponse } from "./claims.ts";

/** Version of the layout. Who reads a newer one refuses it. */
export const CLAIM_VERSION = 1;

/**
 * Fields of a claim's hash, in the order in which scripts answer their values. The state is plain text, since scripts
 * compare it; the body of the response is its bytes; the others are JSON.
 */
export const CLAIM_FIELDS = [
  "state",
  "request",
  "presenter",
  "body",
  "payer",
  "idempotencyKey",
  "via",
  "runs",
  "receipt",
  "response",
  "delivered",
  "responseBody",
] as const;

type Field = (typeof CLAIM_FIELDS)[number];

/** Characters of one field's JSON, written and read; messages and headers are far smaller. */
const MAX_TEXT = 1024 * 1024;
const text = string(MAX_TEXT);
const whole = number((value) =>
  Number.isSafeInteger(value) && value >= 0 ? undefined : "must be a whole number",
);

const headerValue: Schema<string | string[]> = (value) =>
  Array.isArray(value) ? array(text, MAX_TEXT)(value) : text(value);

const Response = object({
  status: whole,
  headers: recordOf(headerValue),
  /** Length of the body; absent when there is none. */
  bytes: optional(whole),
});

const Claim = object({
  state: (value) => CLAIM_STATES.find((state) => state === value) ?? fail("must be a state"),
  request: text,
  presenter: text,
  body: FacilitatorRequest,
  payer: optional(text),
  idempotencyKey: text,
  via: optional(text),
  runs: whole,
  receipt: optional(SettleResponse),
  response: optional(Response),
  delivered: boolean,
});

/**
 * How a claim, or a change of one, is written: fields to remove, and names and values of fields to set.
 *
 * @throws TypeError when a field is too long to be read again.
 */
export function fieldsOf(change: Partial<PaymentClaim>): {
  readonly removed: Field[];
  readonly set: (string | Buffer)[];
} {
  const removed: Field[] = [];
  const set: (string | Buffer)[] = [];
  for (const name of CLAIM_FIELDS) {
    if (name === "responseBody" || !(name in change)) continue;
    const value = change[name];
    if (name === "response") removed.push("responseBody"); // or it would outlive its response
    if (value === undefined) removed.push(name);
    else if (name === "state") set.push(name, value as ClaimState);
    else if (name === "response") set.push(...responseFields(value as StoredResponse));
    else set.push(name, jsonOf(name, value));
  }
  return { removed, set };
}

function responseFields({ status, headers, body }: StoredResponse): (string | Buffer)[] {
  const fields = ["response", jsonOf("response", { status, headers, bytes: body?.byteLength })];
  // A view and no copy: the client takes no other bytes than a Buffer's.
  const bytes = body && Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return bytes === null ? fields : [...fields, "responseBody", bytes];
}

function jsonOf(name: string, value: unknown): string {
  const json = JSON.stringify(value);
  if (json.length > MAX_TEXT) throw new TypeError(`claims: ${name} is too long`);
  return json;
}

/** Reads the values of `CLAIM_FIELDS`, as bytes. Nothing: it is not a whole claim. */
export function parseClaim(values: unknown): PaymentClaim | undefined {
  if (!Array.isArray(values) || values.length !== CLAIM_FIELDS.length) return undefined;
  const fields: Partial<Record<Field, unknown>> = {};
  let body: Uint8Array<ArrayBuffer> | undefined;
  for (const [i, name] of CLAIM_FIELDS.entries()) {
    const value: unknown = values[i];
    if (value === null) continue;
    if (!(value instanceof Uint8Array)) return undefined;
    if (name === "responseBody") {
      body = new Uint8Array(value); // a copy: the client's may share memory with other replies
      continue;
    }
    const read = readField(name, value);
    if (read === undefined) return undefined;
    fields[name] = read;
  }
  const claim = tryParse(Claim, fields);
  if (claim === undefined || claim.response?.bytes !== body?.byteLength) return undefined;
  const { response, ...rest } = claim;
  if (response === undefined) return rest;
  const { status, headers } = response;
  return { ...rest, response: { status, headers, body: body ?? null } };
}

function readField(name: Field, bytes: Uint8Array): unknown {
  if (bytes.byteLength > 4 * MAX_TEXT) return undefined;
  try {
    const decoded = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return name === "state" ? decoded : JSON.parse(decoded);
  } catch {
    return undefined; // neither UTF-8 nor JSON
  }
}
