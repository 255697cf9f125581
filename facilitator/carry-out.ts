import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { X402Error } from "../src/core/errors.ts";
import type { FacilitatorCallOptions } from "../src/core/facilitator.ts";
import { canonicalJson } from "../src/core/json.ts";
import type { FacilitatorRequest } from "../src/core/messages.ts";
import type { Reason } from "../src/core/reasons.ts";
import type { FacilitatorScheme, SchemePayment, SettlementCall } from "../src/core/scheme.ts";
import { FINAL_STATES, type Ledger, type SettlementRecord } from "../src/ledger/ledger.ts";
import type { SettlementChain } from "./settlement-chain.ts";
import { claimantOf } from "./settlement-record.ts";
import type { JobEnd, Jobs } from "./settlement/jobs.ts";
import type { Sponsored } from "./sponsoring.ts";
import type { Step } from "./settlement/options.ts";
import { PAYMENT_LEASE_MS } from "./settlement/job.ts";
import type { Settler } from "./settlement/settler.ts";

/** A record is kept for this long after its authorization has expired. */
const RETENTION_MS = 24 * 3600 * 1000;
/** Time between two looks at a payment that another replica is working on. */
const HELD_POLL_MS = 100;
/** Pause before a success is handed out again, when the ledger did not answer. */
const HAND_OUT_PAUSE_MS = 300;

/** What carrying out a payment needs of the engine. */
export interface EngineState {
  readonly ledger: Ledger;
  readonly jobs: Jobs;
  readonly settleTimeoutMs: number;
  /** Unix milliseconds. */
  now(): number;
  step(step: Step): Promise<void> | void;
  closing: boolean;
}

/** A payment that was checked and whose signature was verified. */
export interface Opened {
  readonly scheme: FacilitatorScheme;
  readonly payment: SchemePayment;
  readonly settlementCall: SettlementCall;
  readonly chain: SettlementChain;
  readonly settler: Settler;
  readonly key: string;
  /** Why it is not settled now: too late, a wallet that is refused, a used delegation. It may have been settled before. */
  readonly late?: Reason;
  /** What counts against the budgets of sponsoring, if anything does. */
  readonly sponsored?: Sponsored;
}

/**
 * Claims a payment and sees it through, here or in whichever process has it; gives its record, confirmed ones only
 * to whom they may be told, or as far as it got when the time is up.
 */
export async function carryOut(
  engine: EngineState,
  { scheme, payment, key, settler, sponsored }: Opened,
  request: FacilitatorRequest,
  call: FacilitatorCallOptions,
): Promise<Exclude<JobEnd, "elsewhere">> {
  const claimant = claimantOf(call);
  const requirementsHash = hashOf(request.paymentRequirements);
  const token = crypto.randomUUID();
  const deadlineMs = Date.now() + engine.settleTimeoutMs;
  const text = JSON.stringify(request);
  let sinceMs = Number.MAX_SAFE_INTEGER;
  for (;;) {
    if (engine.closing)
      throw new X402Error("settlement_pending", "shutting down", { retry: "unsafe" });
    const { status, record } = await engine.ledger.claim({
      key,
      claimant,
      requirementsHash,
      payment: text,
      token,
      leaseMs: PAYMENT_LEASE_MS,
      ttlMs: Math.max(0, payment.expiresAtSeconds * 1000 - engine.now()) + RETENTION_MS,
    });
    if (record.requirementsHash !== requirementsHash || record.claimant !== claimant) {
      return { released: "duplicate_settlement" };
    }
    // A ledger that lost its memory while this call waits does not make an earlier use somebody else's.
    sinceMs = Math.min(sinceMs, record.createdAtMs);
    if (status === "final") return await handOut(engine, record, token, deadlineMs);
    if (status === "claimed") {
      await engine.step("claimed");
      if (scheme.isFree?.(payment) === true) {
        // Nothing has to be sent: it is settled by its claim, and nobody can settle it for anything else.
        if (!(await engine.ledger.advance(key, { fence: record.fence, to: "confirmed" }))) continue;
        return await handOut(engine, { ...record, state: "confirmed" }, token, deadlineMs);
      }
      if (sponsored !== undefined && !(await sponsored.begin(record.fence))) {
        await engine.ledger.release(key, record.fence);
        return { released: "sponsoring_budget_exhausted" };
      }
      settler.submit(engine.jobs.start(scheme, payment, record, sinceMs));
    }
    const end = await waitFor(engine, key, Math.max(0, deadlineMs - Date.now()), record);
    if (end !== "elsewhere" && "released" in end) {
      await sponsored?.giveBack().catch(() => undefined);
      return end;
    }
    if (end !== "elsewhere" && "promised" in end) return end;
    if (end !== "elsewhere" && FINAL_STATES.has(end.state))
      return await handOut(engine, end, token, deadlineMs);
    if (Date.now() >= deadlineMs) return end === "elsewhere" ? record : end;
  }
}

/** Waits for the work on a payment. What failed before anything was signed is let go, to be tried again. */
async function waitFor(
  engine: EngineState,
  key: string,
  timeoutMs: number,
  record: SettlementRecord,
): Promise<JobEnd> {
  const running = engine.jobs.get(key);
  if (running === undefined) {
    await sleep(Math.min(HELD_POLL_MS, timeoutMs));
    return "elsewhere";
  }
  try {
    return (await within(running.end, timeoutMs)) ?? (await engine.ledger.get(key)) ?? record;
  } catch (error) {
    const { kept, record: latest } = running.job;
    if (!kept && (await engine.ledger.release(key, latest.fence))) throw error;
    await sleep(Math.min(HELD_POLL_MS, timeoutMs));
    return "elsewhere";
  }
}

async function handOut(
  engine: EngineState,
  record: SettlementRecord,
  token: string,
  deadlineMs: number,
): Promise<SettlementRecord | { released: Reason }> {
  if (record.state !== "confirmed") return record;
  const { key, claimant, requirementsHash } = record;
  for (;;) {
    try {
      // Of a named claimant's success nothing has to be remembered: the record says whose it is.
      const told =
        claimant !== "" || (await engine.ledger.handOut(key, claimant, requirementsHash, token));
      await engine.step("handed_out");
      return told ? record : { released: "duplicate_settlement" };
    } catch (error) {
      // The reply may be lost and the success be handed out: the same token gets it again, a later call does not.
      if (Date.now() + HAND_OUT_PAUSE_MS >= deadlineMs) throw error;
      await sleep(HAND_OUT_PAUSE_MS);
    }
  }
}

/** Hash of a value, the same for equal values. */
export const hashOf = (value: unknown): string =>
  bytesToHex(sha256(new TextEncoder().encode(canonicalJson(value))));

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What a promise gives, or nothing when that takes too long. */
async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  return await Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}
