import { isSameJson } from "../core/json.ts";
import type {
  FacilitatorRequest,
  PaymentPayload,
  SettleResponse,
  VerifyResponse,
} from "../core/messages.ts";
import type { PaymentClaim } from "../ledger/claims.ts";
import { conflict, withReceipt, type ConflictCode } from "./answers.ts";
import { claimTtlMs, factsOf, unknownTtlMs, type PaywallContext } from "./context.ts";
import type { Answer, Decision, PaywallRequest } from "./gate.ts";
import { guard } from "./guard.ts";
import { holdClaim, type Hold } from "./hold.ts";
import { isUpfront, type PricedOffer } from "./offers.ts";
import { paymentCookie, withReload } from "./page.ts";
import { identifierOf } from "../core/payment-identifier.ts";
import { readPayment, type PresentedPayment } from "./read-payment.ts";
import { mayCharge, proceed } from "./sale.ts";
import { isUsedUp } from "./serve.ts";

/** A request that presents a payment. */
export interface Visit {
  readonly context: PaywallContext;
  readonly request: PaywallRequest;
  readonly version: 1 | 2;
  /** The payment header, as it came. */
  readonly text: string;
  /** Answer to a payment that cannot be taken. */
  refuse(reason: string, receipt?: SettleResponse): Promise<Answer>;
}

/**
 * Decides about a payment: known ones are gone on with by whoever presents the very same for the same request; new ones
 * are verified and claimed, by one request only.
 *
 * @throws X402Error when it is malformed, or something that is needed cannot be reached.
 */
export async function admitPayment(visit: Visit, presented: PresentedPayment): Promise<Decision> {
  const { context, request } = visit;
  const { key, offer, payload } = presented;
  const presenter = presenterOf(context, payload);
  const name = requestName(context, request);
  const known = key === undefined ? undefined : await context.claims.get(key);
  if (key !== undefined && known !== undefined) return resume(key, known.claim, known.held);
  if (key === undefined || offer === undefined)
    return { answer: await visit.refuse("The payment accepts none of the offers.") };

  const { requirements } = offer;
  const body: FacilitatorRequest = {
    x402Version: 2,
    paymentPayload: payload,
    paymentRequirements: requirements,
  };
  const { isValid, invalidReason, payer } = await verify(visit, body);
  if (!isValid) {
    // Perhaps because a request that came at the same time has settled it since.
    const since = await context.claims.get(key);
    if (since !== undefined) return resume(key, since.claim, since.held);
    return { answer: await visit.refuse(invalidReason ?? "invalid_payload") };
  }
  context.emit(request, { type: "payment_verified", ...factsOf(key, payer, requirements) });
  if (isUpfront(requirements)) await mayCharge(visit, body);

  const ttlMs = claimTtlMs(requirements);
  if (presenter !== "") {
    const owner = await context.claims.identify(`${payer ?? ""} ${presenter}`, key, ttlMs);
    // The payment that it was first used for may have failed, and left nothing.
    if (owner !== key && (await context.claims.get(owner)) !== undefined)
      return clash("payment_identifier_conflict");
  }
  const fresh: PaymentClaim = {
    state: "claimed",
    request: name,
    presenter,
    body,
    payer,
    idempotencyKey: crypto.randomUUID(),
    runs: 0,
    delivered: false,
  };
  // What is settled before the handler may be charged from now on, whatever becomes of this server.
  const keptMs = isUpfront(requirements) ? unknownTtlMs(requirements) : ttlMs;
  const claimed = await context.claims.claim(key, fresh, keptMs);
  if (claimed !== undefined) return proceed(visit, key, hold(key, claimed, fresh));
  const other = await context.claims.get(key);
  return other === undefined ? clash("payment_in_flight") : resume(key, other.claim, other.held);

  async function resume(id: string, seen: PaymentClaim, isHeld: boolean): Promise<Decision> {
    const said = told(id, seen, isHeld);
    if (said !== undefined) return said;
    const resumed = await context.claims.resume(id);
    if (resumed === undefined) return clash("payment_in_flight");
    const { claim, token } = resumed;
    const held = hold(id, token, claim);
    // Others may have gone on with it, or made it anew, since it was looked at.
    const since = told(id, claim, false);
    if (since === undefined) return proceed(visit, id, held, () => verify(visit, claim.body));
    await held.letGo();
    return since;
  }

  /** What is to be answered without going on with a claim; nothing when this request is to go on with it. */
  function told(id: string, seen: PaymentClaim, isHeld: boolean): Decision | undefined {
    const same = hasPayload(seen, presented);
    if (same && (seen.request !== name || seen.presenter !== presenter))
      return clash("payment_bound_elsewhere");
    if (isHeld) return clash("payment_in_flight");
    // Payer and nonce are public, and prove nothing.
    if (!same) return clash("payment_already_used");
    const stored = storedAnswer(seen, visit.version);
    if (stored === undefined) return isUsedUp(seen) ? clash("payment_already_used") : undefined;
    const { paymentRequirements: sold } = seen.body;
    context.emit(request, { type: "response_replayed", ...factsOf(id, seen.payer, sold) });
    return { answer: withReload(visit, stored, sold) };
  }

  function hold(id: string, token: string, claim: PaymentClaim): Hold {
    return holdClaim(context.claims, id, token, claim, (error) =>
      context.emit(request, { type: "dependency_failed", name: "claims", error }),
    );
  }

  function clash(code: ConflictCode): Decision {
    context.emit(request, { type: "payment_rejected", code });
    return { answer: conflict(code) };
  }
}

/**
 * The stored response for the payment that a page left in a cookie. Nothing is verified, run or charged for a cookie.
 *
 * @throws X402Error when the claims cannot be reached: who has paid is not to be asked to pay again.
 */
export async function storedForPage(
  context: PaywallContext,
  request: PaywallRequest,
  offers: readonly PricedOffer[],
): Promise<Answer | undefined> {
  const text = paymentCookie(request);
  if (text === undefined) return undefined;
  let presented: PresentedPayment;
  let presenter: string;
  try {
    presented = readPayment({ text, version: 2 }, offers, context.options.schemes);
    presenter = presenterOf(context, presented.payload);
  } catch {
    return undefined; // no payment is in it
  }
  const { key } = presented;
  const seen = key === undefined ? undefined : (await context.claims.get(key))?.claim;
  if (key === undefined || seen === undefined || !hasPayload(seen, presented)) return undefined;
  if (seen.request !== requestName(context, request) || seen.presenter !== presenter)
    return undefined;
  const stored = storedAnswer(seen, 2);
  if (stored === undefined) return undefined;
  const facts = factsOf(key, seen.payer, seen.body.paymentRequirements);
  context.emit(request, { type: "response_replayed", ...facts });
  return stored;
}

async function verify(
  { context, request }: Visit,
  body: FacilitatorRequest,
): Promise<VerifyResponse> {
  const { onBeforeVerify } = context.options;
  if (onBeforeVerify !== undefined) {
    const { paymentPayload, paymentRequirements: requirements } = body;
    await guard(context, request, "onBeforeVerify", () =>
      onBeforeVerify({ request, paymentPayload, requirements }),
    );
  }
  return context.facilitators.verify(body);
}

/** The payment's identifier, which unlike its signature is never published; empty when it has none. */
function presenterOf({ options }: PaywallContext, payload: PaymentPayload): string {
  const { paymentIdentifier } = options;
  return paymentIdentifier === "off" ? "" : identifierOf(payload, paymentIdentifier === "required");
}

/** What a payment is bound to. */
function requestName(context: PaywallContext, request: PaywallRequest): string {
  return `${request.method} ${context.publicUrl(request)}`;
}

function hasPayload({ body }: PaymentClaim, { payload }: PresentedPayment): boolean {
  return isSameJson(body.paymentPayload.payload, payload.payload);
}

/** The response that was stored for a settled payment, with its receipt. */
function storedAnswer(
  { state, response, receipt }: PaymentClaim,
  version: 1 | 2,
): Answer | undefined {
  return state === "settled" && response !== undefined && receipt !== undefined
    ? withReceipt(response, receipt, version)
    : undefined;
}
