import type { FacilitatorRequest } from "../../src/core/messages.ts";
import type { CheckContext, FacilitatorScheme, SchemePayment } from "../../src/core/scheme.ts";
import type { SettlementRecord } from "../../src/ledger/ledger.ts";
import { isDone, PAYMENT_LEASE_MS, type Job, type Settled } from "./job.ts";

/** What came of the work in this process: a result, a promise of one, or nothing when it is going on elsewhere. */
export type JobEnd = Settled | { readonly promised: SettlementRecord } | "elsewhere";

/** The payments that this process is working on, by payment key. */
export interface Jobs {
  /** Work on a payment that a call has claimed, first at `sinceMs` by the ledger's clock. */
  start(
    scheme: FacilitatorScheme,
    payment: SchemePayment,
    record: SettlementRecord,
    sinceMs: number,
  ): Job;
  /** The work on a payment and its end; nothing when there is none here. The end rejects with what the world did wrong. */
  get(key: string): { readonly job: Job; readonly end: Promise<JobEnd> } | undefined;
  /** The work that a record tells of, as it is found in a lane's log. */
  revive(record: SettlementRecord): Job | undefined;
  readonly size: number;
}

/** @param contextOf what a check may know on a network. */
export function createJobs(
  schemes: readonly FacilitatorScheme[],
  contextOf: (network: string) => Omit<CheckContext, "settling">,
): Jobs {
  const running = new Map<string, { job: Job; end: Promise<JobEnd> }>();

  function start(
    scheme: FacilitatorScheme,
    payment: SchemePayment,
    record: SettlementRecord,
    sinceMs: number,
  ): Job {
    let settle!: (end: JobEnd) => void;
    let fail!: (error: unknown) => void;
    const end = new Promise<JobEnd>((resolve, reject) => {
      settle = resolve;
      fail = reject;
    });
    end.catch(() => undefined); // somebody may be waiting, or not
    const key = record.key;
    const forget = () => {
      if (running.get(key)?.job === job) running.delete(key);
    };
    const call = scheme.settlementCall(payment);
    const job: Job = {
      key,
      scheme,
      payment,
      call,
      liable: call.liable,
      record,
      sinceMs,
      renewAtMs: Date.now() + PAYMENT_LEASE_MS / 2,
      alone: false,
      kept: false,
      gone: false,
      settle(result) {
        forget();
        settle(result);
      },
      promise: () => settle({ promised: job.record }),
      fail(error) {
        forget();
        if (error === undefined) settle("elsewhere");
        else fail(error);
      },
    };
    // What is final has nobody waiting for it.
    if (!isDone(job)) running.set(key, { job, end });
    return job;
  }

  return {
    start,
    get: (key) => running.get(key),
    revive(record) {
      const known = running.get(record.key)?.job;
      if (known !== undefined && !isDone(known)) {
        known.record = record;
        return known;
      }
      const { paymentPayload, paymentRequirements } = JSON.parse(
        record.payment,
      ) as FacilitatorRequest;
      const scheme = schemes.find((candidate) => candidate.scheme === paymentRequirements.scheme);
      const context = { ...contextOf(paymentRequirements.network), settling: true };
      // As it was when it was claimed, for some clock: by now it may have expired, and is owed its result all the same.
      for (const skewSeconds of [0, 10, 60, 600]) {
        const nowSeconds = Math.floor(record.createdAtMs / 1000) + skewSeconds;
        const checked = scheme?.check(paymentPayload, paymentRequirements, nowSeconds, context);
        const payment = checked && ("payment" in checked ? checked.payment : checked.expired);
        if (scheme === undefined || payment === undefined) continue;
        const job = start(scheme, payment, record, record.createdAtMs);
        job.kept = true;
        return job;
      }
      return undefined;
    },
    get size() {
      return running.size;
    },
  };
}
