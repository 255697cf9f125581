import type { FacilitatorRequest, SettleResponse, VerifyResponse } from "../core/messages.ts";
import type { ServerScheme } from "../core/scheme.ts";
import type { PaymentClaim, StoredResponse } from "../ledger/claims.ts";
import { conflict, notHeld, refused, tryAgain, unavailable, withReceipt } from "./answers.ts";
import { bodyBytes, watched } from "./body.ts";
import { claimTtlMs, factsOf, unknownTtlMs, type PaywallContext } from "./context.ts";
import { guarded } from "./events.ts";
import type { Admitted, Answer, Decision, Payment, PaywallRequest } from "./gate.ts";
import type { Hold } from "./hold.ts";
import { isUpfront } from "./offers.ts";
import { reloadHeaders } from "./page.ts";
import { codeOf, settle } from "./settle.ts";

/** A request that presents a payment. */
export interface Visit {
  readonly context: PaywallContext;
  readonly request: PaywallRequest;
  readonly version: 1 | 2;
  /** The payment header, as it came. */
  readonly header: string;
  /** Answer to a payment that cannot be taken. */
  refuse(reason: string, receipt?: SettleResponse): Promise<Answer>;
}

/** What the facilitator said, or the answer to send where it could not be asked. */
export type Verified = { readonly verified: VerifyResponse } | { readonly answer: Answer };

/** How often a handler may run for a payment whose response was too large to keep and was cut off on its way. */
const MAX_RUNS = 3;

/** Whether a claim needs no more than to be answered from what is stored. */
export function isFinal(claim: PaymentClaim): boolean {
  return claim.state === "settled" && (claim.response !== undefined || isUsedUp(claim));
}

function isUsedUp({ delivered, runs }: PaymentClaim): boolean {
  return delivered || runs >= MAX_RUNS;
}

/** The answer of a final claim: the stored response and its receipt, or that the payment was used. */
export function restored(claim: PaymentClaim, version: 1 | 2): Answer {
  const { response, receipt } = claim;
  if (response === undefined || receipt === undefined) return conflict("payment_already_used");
  return withReceipt(response, receipt, version);
}

/**
 * Goes on with a claim that is held, from whatever state it is in: lets the handler run, settles what was served, or
 * runs the handler again for a payment that was settled and not answered.
 *
 * @param verifyAgain for a claim that was made earlier and not settled: it may have become too old since.
 */
export async function sale(
  visit: Visit,
  id: string,
  scheme: ServerScheme | undefined,
  hold: Hold,
  verifyAgain?: () => Promise<Verified>,
): Promise<Decision> {
  const { context, request, version } = visit;
  const requirements = hold.claim.body.paymentRequirements;
  const facts = { ...factsOf(id, hold.claim.payer, requirements), network: requirements.network };

  try {
    return await begin();
  } catch (error) {
    await hold.letGo();
    context.emit(request, { type: "dependency_failed", name: "claims", error });
    return { answer: tryAgain(codeOf(error)) };
  }

  async function begin(): Promise<Decision> {
    const { state } = hold.claim;
    if (state === "settled") {
      if (hold.claim.receipt !== undefined) return admitSettled(hold.claim.receipt);
      throw new Error("a settled claim has no receipt");
    }
    if (state === "served" || isUpfront(requirements)) {
      const settled = await settleNow();
      if ("answer" in settled) return settled;
      const { response } = hold.claim;
      if (response !== undefined) return { answer: await deliver(response, settled.receipt) };
      const ttlMs = claimTtlMs(requirements);
      await hold.write({ state: "settled", receipt: settled.receipt }, ttlMs);
      return admitSettled(settled.receipt);
    }
    const asked = await verifyAgain?.();
    if (asked !== undefined && "answer" in asked) {
      await hold.letGo();
      return asked;
    }
    const verified = asked?.verified;
    if (verified?.isValid === false) {
      await hold.forget();
      return { answer: await visit.refuse(verified.invalidReason ?? "invalid_payload") };
    }
    return admitUnsettled();
  }

  /** Settles, or answers why not; the hold has ended then. */
  async function settleNow(): Promise<{ readonly receipt: SettleResponse } | { answer: Answer }> {
    const refusal = await askGuard();
    if (refusal !== undefined) return refusal;
    const outcome = await settle(context.facilitators, hold.claim, (via) => hold.write({ via }));
    if ("receipt" in outcome) {
      context.emit(request, { type: "payment_settled", receipt: outcome.receipt, ...facts });
      return outcome;
    }
    if ("failed" in outcome) {
      const reason = outcome.failed.errorReason ?? "";
      await hold.forget();
      context.emit(request, { type: "settlement_failed", reason, ...facts });
      return { answer: await visit.refuse(reason, outcome.failed) };
    }
    await hold.letGo({}, unknownTtlMs(requirements));
    context.emit(request, { type: "settlement_unknown", code: outcome.unknown, ...facts });
    return { answer: tryAgain(outcome.unknown) };
  }

  async function askGuard(): Promise<{ answer: Answer } | undefined> {
    const { onBeforeSettle } = context.options;
    // Once a facilitator may have been asked there is no way back.
    if (onBeforeSettle === undefined || verifyAgain !== undefined) return undefined;
    const { paymentPayload } = hold.claim.body;
    const asked = await guarded(
      "onBeforeSettle",
      () => onBeforeSettle({ request, paymentPayload, requirements }),
      context.hookFailed(request),
    );
    if ("said" in asked && !asked.said) return undefined;
    await hold.forget();
    if ("failed" in asked) return { answer: unavailable("hook_failed") };
    return { answer: refused("payment_refused", asked.said?.reason ?? "") };
  }

  /** Settled by the handler's answer: nothing of it leaves before. */
  function admitUnsettled(): Admitted {
    let charged: string | undefined;
    let open = true;
    const payment: Payment = {
      ...facts,
      charge(amount) {
        if (!open) throw new TypeError("charge came after the response");
        if (scheme?.charge === undefined)
          throw new TypeError(`scheme "${requirements.scheme}" charges its price as it is`);
        charged = scheme.charge(amount, requirements);
      },
    };
    const release = async (status?: number) => {
      open = false;
      await hold.forget();
      context.emit(request, {
        type: "handler_failed",
        charged: false,
        ...(status !== undefined && { status }),
        ...facts,
      });
    };
    return {
      payment,
      abandon: () => release(),
      async finish(answer) {
        open = false;
        if (answer.status >= 400) await release(answer.status);
        else if (answer.status >= 300) await hold.forget();
        if (answer.status >= 300) return answer;
        return await settleServed(answer, charged).catch(giveUp);
      },
    };
  }

  async function settleServed(answer: Answer, charged: string | undefined): Promise<Answer> {
    const held = await bodyBytes(answer, context.maxResponseBytes);
    if ("why" in held) {
      await hold.forget();
      context.emit(request, { type: "response_not_held", why: held.why, ...facts });
      return notHeld(held.why);
    }
    const { status, headers } = answer;
    const response: StoredResponse = { status, headers, body: held.bytes };
    const served = await hold.write({
      state: "served",
      ...(isSmall(held.bytes) && { response }),
      ...(charged !== undefined && { body: withAmount(charged) }),
    });
    if (!served) return conflict("payment_in_flight");
    const settled = await settleNow();
    return "answer" in settled ? settled.answer : await deliver(response, settled.receipt);
  }

  function withAmount(amount: string): FacilitatorRequest {
    return { ...hold.claim.body, paymentRequirements: { ...requirements, amount } };
  }

  function isSmall(bytes: Uint8Array | null): boolean {
    return (bytes?.byteLength ?? 0) <= context.maxStoredBytes;
  }

  /** Writes down that it is settled, and hands out the response. The money has moved: nothing stops this any more. */
  async function deliver(response: StoredResponse, receipt: SettleResponse): Promise<Answer> {
    const ttlMs = claimTtlMs(requirements);
    if (isSmall(response.body)) {
      await hold.letGo({ state: "settled", receipt, delivered: true }, ttlMs);
      return kept(response, receipt);
    }
    await hold.write({ state: "settled", receipt }, ttlMs).catch(() => false);
    return withReceipt(
      { ...response, body: track(new Response(response.body).body) },
      receipt,
      version,
    );
  }

  /** The handler runs for a payment that is settled already. */
  function admitSettled(receipt: SettleResponse): Decision {
    if (isUsedUp(hold.claim)) {
      void hold.letGo();
      return { answer: conflict("payment_already_used") };
    }
    const { transaction } = receipt;
    const charge = () => {
      throw new TypeError("charge came after the payment was settled: the whole price was charged");
    };
    const failed = async (status?: number) => {
      await hold.letGo();
      const event = { charged: true, ...(status !== undefined && { status }), ...facts };
      context.emit(request, { type: "handler_failed", ...event });
    };
    return {
      payment: { ...facts, transaction, charge },
      abandon: () => failed(),
      async finish(answer) {
        if (answer.status >= 400) {
          await failed(answer.status);
          return withReceipt(answer, receipt, version);
        }
        return await sendSettled(answer, receipt).catch(giveUp);
      },
    };
  }

  async function sendSettled(answer: Answer, receipt: SettleResponse): Promise<Answer> {
    if (answer.body instanceof ReadableStream)
      return withReceipt({ ...answer, body: track(answer.body, answer) }, receipt, version);
    const held = await bodyBytes(answer, Number.POSITIVE_INFINITY);
    const { status, headers } = answer;
    const response: StoredResponse = { status, headers, body: "bytes" in held ? held.bytes : null };
    if (!isSmall(response.body))
      return withReceipt(
        { ...answer, body: track(new Response(response.body).body) },
        receipt,
        version,
      );
    await hold.letGo({ response, delivered: true });
    return kept(response, receipt);
  }

  /** Watches a body on its way; what is small enough is kept, with `answer`'s head, for the same payment to fetch. */
  function track(body: ReadableStream<Uint8Array> | null, answer?: Answer) {
    const limit = answer === undefined ? 0 : context.maxStoredBytes;
    return watched(body, limit, async ({ end, bytes }) => {
      if (end === "failed") return void (await hold.letGo());
      const runs = hold.claim.runs + 1;
      if (end === "cut") return void (await hold.letGo({ runs }));
      const response = answer &&
        bytes && { status: answer.status, headers: answer.headers, body: bytes };
      await hold.letGo({ runs, delivered: true, ...(response && { response }) });
    });
  }

  function kept(response: StoredResponse, receipt: SettleResponse): Answer {
    const answer = withReceipt(response, receipt, version);
    const reload = reloadHeaders(visit, answer, claimTtlMs(requirements));
    return reload === undefined ? answer : { ...answer, headers: { ...answer.headers, ...reload } };
  }

  async function giveUp(error: unknown): Promise<Answer> {
    await hold.letGo();
    context.emit(request, { type: "dependency_failed", name: "claims", error });
    return tryAgain(codeOf(error));
  }
}
