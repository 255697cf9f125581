import type { FacilitatorRequest, PaymentRequirements, SettleResponse } from "../core/messages.ts";
import type { ClaimChange, PaymentClaim, StoredResponse } from "../ledger/claims.ts";
import { conflict, notHeld, withReceipt } from "./answers.ts";
import { asSent, bodyBytes, bytesOf, watched } from "./body.ts";
import { chargedRequirements, schemeOf } from "./charge.ts";
import { claimTtlMs, unknownTtlMs } from "./context.ts";
import { failure } from "./failure.ts";
import type { Admitted, Answer, Payment } from "./gate.ts";
import type { Hold } from "./hold.ts";
import { isUpfront } from "./offers.ts";
import { overriddenAmount, takeOverride } from "./overrides.ts";
import { withReload } from "./page.ts";
import type { Visit } from "./present.ts";

/** One payment that a request may be served for. */
export interface Sale {
  readonly visit: Visit;
  readonly hold: Hold;
  readonly facts: Omit<Payment, "transaction" | "charge">;
  readonly requirements: PaymentRequirements;
  /** Settles; or ends the hold and answers why not. */
  settleNow(): Promise<{ readonly receipt: SettleResponse } | { readonly answer: Answer }>;
}

/** How often a handler may run for a payment whose response was too large to keep and was cut off on its way. */
const MAX_RUNS = 3;

/** Whether nothing more can be had for a payment but what is stored. */
export function isUsedUp({ state, delivered, runs }: PaymentClaim): boolean {
  return state === "settled" && (delivered || runs >= MAX_RUNS);
}

/** The handler runs first: its answer is settled for, and nothing of it leaves before. */
export function admitUnsettled(
  sale: Sale,
  mayCharge: (body: FacilitatorRequest) => Promise<void>,
): Admitted {
  const { hold, facts, requirements, visit } = sale;
  const { body } = hold.claim;
  let change: ClaimChange = {};
  let open = true;
  const release = async (status?: number) => {
    open = false;
    await hold.forget();
    failed(sale, false, status);
  };

  async function refused(why: string): Promise<Answer> {
    await hold.forget();
    visit.context.emit(visit.request, { type: "response_not_held", why, ...facts });
    return notHeld(why);
  }

  async function settled(given: Answer): Promise<Answer> {
    const answer = asSent(visit.request.method, given);
    const held = await bodyBytes(answer, visit.context.maxResponseBytes);
    if ("why" in held) return refused(held.why);
    const { status, headers } = answer;
    const response: StoredResponse = { status, headers, body: held.bytes };
    try {
      await mayCharge(change.body ?? body);
    } catch (error) {
      await hold.forget();
      return failure(visit.context, visit.request, error);
    }
    const keep = isSmall(sale, held.bytes) && { response };
    const served = { ...change, state: "served", ...keep } as const;
    // A server that dies from here on may have charged.
    if (!(await hold.write(served, unknownTtlMs(requirements))))
      return conflict("payment_in_flight");
    const outcome = await sale.settleNow();
    return "answer" in outcome ? outcome.answer : deliver(sale, response, outcome.receipt);
  }

  const charge: Payment["charge"] = (amount) => {
    if (!open) throw new TypeError("charge came after the response");
    const { schemes } = visit.context.options;
    const paymentRequirements = chargedRequirements(schemes, requirements, amount);
    change = { body: { ...body, paymentRequirements } };
  };

  return {
    payment: { ...facts, charge },
    abandon: () => release(),
    async finish(given) {
      const { answer, override } = takeOverride(given);
      const { status } = answer;
      try {
        // Where the price is charged as it is, it stays: a route may be paid in several schemes. So does what `charge`
        // said: the header may come from elsewhere, with a response that the handler passes on.
        const counts = change.body === undefined && isMetered(visit, requirements);
        if (override !== undefined && status < 300 && counts) charge(overriddenAmount(override));
      } catch (error) {
        await release();
        return failure(visit.context, visit.request, error);
      }
      open = false;
      if (status < 200) return refused(notFinal(status));
      if (status < 300) return settled(answer).catch((error) => giveUp(sale, error));
      if (status >= 400) await release(status);
      else await hold.forget();
      return answer;
    },
  };
}

/** The handler runs for a payment that is settled already. */
export function admitSettled(sale: Sale, receipt: SettleResponse): Admitted {
  const { hold, facts, requirements, visit } = sale;
  const { context, request } = visit;
  const stays = async (status?: number) => {
    await hold.letGo({}, claimTtlMs(requirements));
    failed(sale, true, status);
  };
  return {
    payment: {
      ...facts,
      transaction: receipt.transaction,
      charge() {
        if (isUpfront(requirements))
          throw new TypeError("charge came after the payment was settled for its whole price");
        // Else the handler runs again for what it charged the first time, and that stays.
      },
    },
    abandon: () => stays(),
    async finish(given) {
      const { answer } = takeOverride(given);
      const { status } = answer;
      if (status >= 200 && status < 400)
        return sendSettled(sale, answer, receipt).catch((error) => giveUp(sale, error));
      await stays(status);
      if (status < 200) return failure(context, request, new RangeError(notFinal(status)));
      return withReceipt(answer, receipt, visit.version);
    },
  };
}

async function sendSettled(sale: Sale, given: Answer, receipt: SettleResponse): Promise<Answer> {
  const answer = asSent(sale.visit.request.method, given);
  const { status, headers, body } = answer;
  if (body instanceof ReadableStream) return passedOn(sale, answer, body, receipt, true);
  const bytes = body === null ? null : bytesOf(body);
  const response: StoredResponse = { status, headers, body: bytes };
  if (!isSmall(sale, bytes)) return large(sale, response, receipt);
  const ttlMs = claimTtlMs(sale.requirements);
  const stored = await sale.hold.letGo({ response, delivered: true }, ttlMs);
  return small(sale, response, receipt, stored);
}

/** Writes down that it is settled, and hands out the response. The money has moved: nothing stops this any more. */
export async function deliver(
  sale: Sale,
  response: StoredResponse,
  receipt: SettleResponse,
): Promise<Answer> {
  const ttlMs = claimTtlMs(sale.requirements);
  if (isSmall(sale, response.body)) {
    const change = { state: "settled", receipt, delivered: true } as const;
    return small(sale, response, receipt, await sale.hold.letGo(change, ttlMs));
  }
  await sale.hold.write({ state: "settled", receipt }, ttlMs).catch(() => false);
  return large(sale, response, receipt);
}

/** A response that is not kept: whether it went out whole is watched. */
function large(sale: Sale, response: StoredResponse, receipt: SettleResponse): Answer {
  return passedOn(sale, response, new Response(response.body).body!, receipt, false);
}

/** Watches a body on its way out; where it turns out small enough it is kept, for the same payment to fetch again. */
function passedOn(
  { hold, visit, requirements }: Sale,
  { status, headers }: Answer,
  body: ReadableStream<Uint8Array>,
  receipt: SettleResponse,
  keep: boolean,
): Answer {
  const limit = keep ? visit.context.maxStoredBytes : 0;
  const stream = watched(body, limit, async ({ end, bytes }) => {
    // Said again: the first time it may not have been written.
    const settled = { state: "settled", receipt } as const;
    const runs = hold.claim.runs + 1;
    const ttlMs = claimTtlMs(requirements);
    if (end === "failed") await hold.letGo(settled, ttlMs);
    else if (end === "cut") await hold.letGo({ ...settled, runs }, ttlMs);
    else {
      const response = bytes && { response: { status, headers, body: bytes } };
      await hold.letGo({ ...settled, runs, delivered: true, ...response }, ttlMs);
    }
  });
  return withReceipt({ status, headers, body: stream }, receipt, visit.version);
}

/** A response that fits into the claim; where it is stored, pages are told that a reload shows it. */
function small(
  { visit, requirements }: Sale,
  response: StoredResponse,
  receipt: SettleResponse,
  stored: boolean,
): Answer {
  const answer = withReceipt(response, receipt, visit.version);
  return stored ? withReload(visit, answer, requirements) : answer;
}

function isSmall({ visit }: Sale, bytes: Uint8Array | null): boolean {
  return (bytes?.byteLength ?? 0) <= visit.context.maxStoredBytes;
}

function failed({ visit, facts }: Sale, charged: boolean, status: number | undefined): void {
  const { context, request } = visit;
  context.emit(request, { type: "handler_failed", charged, status, ...facts });
}

function isMetered({ context }: Visit, requirements: PaymentRequirements): boolean {
  return schemeOf(context.options.schemes, requirements)?.charge !== undefined;
}

async function giveUp({ hold, visit }: Sale, error: unknown): Promise<Answer> {
  await hold.letGo();
  return failure(visit.context, visit.request, error);
}

/** Of an upgrade of the connection, or of what is no response at all (`Response.error()`). */
const notFinal = (status: number) => `Status ${status} is no response that can be paid for.`;
