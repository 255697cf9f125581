import type { FacilitatorRequest, SettleResponse, VerifyResponse } from "../core/messages.ts";
import { conflict, tryAgain } from "./answers.ts";
import { claimTtlMs, factsOf, unknownTtlMs } from "./context.ts";
import type { Answer, Decision } from "./gate.ts";
import { guard } from "./guard.ts";
import type { Hold } from "./hold.ts";
import { isUpfront } from "./offers.ts";
import type { Visit } from "./present.ts";
import { admitSettled, admitUnsettled, deliver, type Sale } from "./serve.ts";
import { settle } from "./settle.ts";

/**
 * Goes on with a claim that is held, from whatever state it is in: lets the handler run, settles what was served, or
 * runs the handler again for a payment that was settled and not answered.
 *
 * @param verifyAgain of a claim that was made earlier: it may have become too old since.
 * @throws X402Error when something that is needed cannot be reached; the claim is let go.
 */
export async function proceed(
  visit: Visit,
  id: string,
  hold: Hold,
  verifyAgain?: () => Promise<VerifyResponse>,
): Promise<Decision> {
  const requirements = hold.claim.body.paymentRequirements;
  const { network } = requirements;
  const facts = { ...factsOf(id, hold.claim.payer, requirements), network };
  const sale: Sale = { visit, hold, facts, requirements, settleNow: () => settleNow(sale, false) };
  try {
    const { state, receipt } = hold.claim;
    if (state === "settled" && receipt !== undefined) return admitSettled(sale, receipt);
    if (state === "served" || isUpfront(requirements)) {
      const settled = await settleNow(sale, verifyAgain !== undefined);
      if ("answer" in settled) return settled;
      const { response } = hold.claim;
      if (response !== undefined) return { answer: await deliver(sale, response, settled.receipt) };
      const change = { state: "settled", receipt: settled.receipt } as const;
      // Whoever holds it now lets the handler run.
      if (!(await hold.write(change, claimTtlMs(requirements))))
        return { answer: conflict("payment_in_flight") };
      return admitSettled(sale, settled.receipt);
    }
    const verified = await verifyAgain?.();
    if (verified?.isValid === false) {
      await hold.forget();
      return { answer: await visit.refuse(verified.invalidReason ?? "invalid_payload") };
    }
    return admitUnsettled(sale, (body) => mayCharge(visit, body));
  } catch (error) {
    await hold.letGo();
    throw error;
  }
}

/**
 * Settles; or ends the hold and answers why not.
 *
 * @param again a facilitator may have been asked before.
 */
async function settleNow(
  { visit, hold, facts, requirements }: Sale,
  again: boolean,
): Promise<{ readonly receipt: SettleResponse } | { readonly answer: Answer }> {
  const { context, request } = visit;
  const remember = (via: string | undefined) => hold.write({ via });
  const outcome = await settle(context.facilitators, hold.claim, again, remember);
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

/**
 * Asks the publisher before a facilitator is asked to settle for the first time; afterwards there is no way back.
 *
 * @throws X402Error when the publisher refuses.
 */
export async function mayCharge(
  { context, request }: Visit,
  { paymentPayload, paymentRequirements: requirements }: FacilitatorRequest,
): Promise<void> {
  const { onBeforeSettle } = context.options;
  if (onBeforeSettle === undefined) return;
  await guard(context, request, "onBeforeSettle", () =>
    onBeforeSettle({ request, paymentPayload, requirements }),
  );
}
