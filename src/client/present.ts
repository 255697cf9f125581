/** Presenting a payment: the same one again, until the server's answer says what became of it. */
import { sleep } from "./sleep.ts";
import { holdBody } from "./body.ts";
import { PaymentRefused, PaymentUncertain, type FailedReply } from "./errors.ts";
import type { SpendEvent } from "./events.ts";
import { readDemand, type Demand } from "./payment-required.ts";
import { readReceipt, receiptMismatch } from "./read-receipt.ts";
import type { Replayable } from "./replay.ts";
import type { Spend, SpendChange } from "./spend-store.ts";
import { quote } from "./text.ts";
import type { Wallet } from "./wallet.ts";

/** Final: the server's response, or that it takes no payment, with what it asks for now. */
export type Outcome =
  | { readonly response: Response; readonly paid: boolean }
  | { readonly rejected: FailedReply; readonly demand: Demand | undefined };

/** Not final: the same payment is presented again. */
interface Again {
  readonly why: string;
  readonly waitMs?: number | undefined;
  readonly response?: Response;
  readonly cause?: unknown;
}

/** Statuses below 500 that are no answer yet. */
const AGAIN: ReadonlySet<number> = new Set([408, 409, 425, 429]);

/** Reasons of a refused settlement behind which money may be moving. */
const UNKNOWN =
  /^(settlement_pending|payment_in_flight|(ledger|rpc)_unavailable|unexpected_(verify|settle)_error)$/;

/**
 * @param fresh whether it was never presented before: a rejection then is one, and no doubt remains.
 * @throws PaymentUncertain when no answer is final. What the caller's own signal aborts is thrown as it is.
 */
export async function present(
  wallet: Wallet,
  spend: Spend,
  request: Replayable,
  fresh: boolean,
): Promise<Outcome> {
  const { attempts, maxWaitMs } = wallet.retry;
  const uncertain = (why: string, reply: Omit<FailedReply, "spendId">, cause?: unknown) => {
    wallet.tell(spend, { type: "uncertain", why });
    return new PaymentUncertain(why, { ...reply, spendId: spend.id }, cause);
  };
  wallet.keepLease(spend);
  try {
    for (let attempt = 1; ; attempt++) {
      const inDoubt = !fresh || attempt > 1;
      const reply = await ask(wallet, spend, request, inDoubt);
      if ("paid" in reply) return reply;
      if ("rejected" in reply) {
        const { reason = "no reason given" } = reply.rejected;
        if (inDoubt) throw uncertain(`refused with ${reason}`, { ...reply.rejected, reason });
        await wallet.note(spend, { state: "rejected", refused: true, reason, leaseUntilMs: 0 });
        wallet.tell(spend, { type: "rejected", reason });
        return reply;
      }
      const { why, waitMs = Math.min(125 * 2 ** attempt, 5000), response, cause } = reply;
      if (attempt === attempts || waitMs > maxWaitMs) throw uncertain(why, { response }, cause);
      response?.body?.cancel().catch(() => undefined);
      wallet.tell(spend, { type: "retrying", attempt, waitMs, why });
      // Spread out, so that those who were cut off together do not come back together.
      await sleep(waitMs * (1 + Math.random() / 4), request.signal);
    }
  } catch (error) {
    await wallet.note(spend, { leaseUntilMs: 0 });
    throw error;
  }
}

/**
 * Presents it once.
 *
 * @param inDoubt whether it may have been taken already.
 * @throws only what the caller's signal aborts with, and what `fetch` itself refuses.
 */
async function ask(
  wallet: Wallet,
  spend: Spend,
  request: Replayable,
  inDoubt: boolean,
): Promise<Outcome | Again> {
  const { signal } = request;
  const abort = new AbortController();
  const timeout = new Error("no answer in time");
  const timer = setTimeout(() => abort.abort(timeout), wallet.retry.timeoutMs);
  /** Of a body that is still on its way: what is written down when it has come. */
  let whole: SpendChange | undefined;
  const onEnd = async (cut: boolean): Promise<void> => {
    signal?.removeEventListener("abort", stop);
    const change = cut && whole ? ({ state: "pending", leaseUntilMs: 0 } as const) : whole;
    whole = undefined;
    if (change) await wallet.note(spend, change);
  };
  const stop = () => {
    abort.abort(signal?.reason);
    void onEnd(true);
  };
  signal?.addEventListener("abort", stop);
  let hasEnded = true;
  try {
    signal?.throwIfAborted();
    const response = await request.send(spend.url, {
      headers: spend.headers ?? {},
      redirect: "manual",
      signal: abort.signal,
    });
    const receipt = readReceipt(response);
    const { status } = response;
    if (status === 402) return await judgeRefusal(response, receipt, spend);
    if (AGAIN.has(status) || status >= 500)
      return { why: `status ${status}`, waitMs: retryAfter(response, wallet.now()), response };
    const judged = judgeAnswer(spend, status, receipt, inDoubt);
    const change = { ...judged.change, leaseUntilMs: 0 };
    const { body, ended } = await holdBody(response, onEnd);
    hasEnded = ended;
    // Of an error nobody may want the body.
    if (!ended && isDelivered(status)) whole = change;
    // Nor, perhaps, of what was paid for: others wait for its reader as long as for an answer.
    const leaseUntilMs = wallet.now() + wallet.retry.timeoutMs;
    await wallet.note(spend, whole ? { state: "answered", leaseUntilMs } : change);
    const field = receipt === null ? "receipt" : receipt && receiptMismatch(receipt, spend);
    if (field !== undefined) wallet.tell(spend, { type: "receipt_mismatch", field });
    wallet.tell(spend, judged.event);
    return { response: body, paid: receipt?.success === true };
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof PaymentRefused) throw cause;
    return { why: cause === timeout ? timeout.message : "the connection failed", cause };
  } finally {
    clearTimeout(timer);
    if (hasEnded) signal?.removeEventListener("abort", stop);
  }
}

/** A 402 to a payment is final, unless it says itself that the settlement is not. */
async function judgeRefusal(
  response: Response,
  receipt: Receipt,
  { id }: Spend,
): Promise<Outcome | Again> {
  if (receipt === null) return { why: "an unreadable receipt", response };
  const settled = receipt?.errorReason;
  if (receipt?.success) return { why: "status 402 with a receipt of success", response };
  if (settled && UNKNOWN.test(settled)) return { why: settled, response };
  const demand = await readDemand(response).catch(() => undefined);
  const reason = settled ?? demand?.error;
  return {
    rejected: { response, receipt, reason: reason && quote(reason), spendId: id },
    demand,
  };
}

type Receipt = ReturnType<typeof readReceipt>;

/** Redirects and errors of a handler are not charged for (those that were have a receipt). */
const isDelivered = (status: number): boolean => status >= 200 && status < 300;

/** What the spend store and the observer are told of an answer that is no refusal. */
function judgeAnswer(
  { state }: Spend,
  status: number,
  receipt: Receipt,
  inDoubt: boolean,
): { readonly change: SpendChange; readonly event: SpendEvent } {
  const reason = `status ${status}`;
  const paid = { type: "paid", status, receipt: receipt ?? undefined } as const;
  if (receipt?.success) {
    const { transaction } = receipt;
    // A handler's error that was charged for is no delivery: a later call asks for one with the same payment.
    const change = { state: status < 400 ? "paid" : "answered" } as const;
    return {
      change: TRANSACTION.test(transaction) ? { ...change, transaction } : change,
      event: paid,
    };
  }
  if (isDelivered(status)) return { change: { state: "delivered", reason }, event: paid };
  const event = { type: "rejected", reason } as const;
  // Whoever answered it (a gateway, perhaps) says nothing of what became of it before.
  if (inDoubt || receipt !== undefined)
    return { change: { state: state === "answered" ? state : "pending" }, event };
  return { change: { state: "rejected", reason }, event };
}

/** Identifiers of transactions on any chain; other text of a server is not kept. */
const TRANSACTION = /^[\w:.-]{0,128}$/;

/** Milliseconds that `Retry-After` asks for: seconds or a date (RFC 9110, 10.2.3). */
function retryAfter(response: Response, nowMs: number): number | undefined {
  const text = response.headers.get("Retry-After") ?? "";
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
