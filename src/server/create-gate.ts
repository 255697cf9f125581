import { canonicalJson } from "../core/json.ts";
import type { FacilitatorRequest, SettleResponse } from "../core/messages.ts";
import type { PaymentClaim } from "../ledger/claims.ts";
import {
  conflict,
  paymentRequired,
  refused,
  tryAgain,
  unavailable,
  unreadablePayment,
  withBody,
  withHeaders,
  type ConflictCode,
} from "./answers.ts";
import { claimTtlMs, factsOf, type PaywallContext } from "./context.ts";
import { isPreflight } from "./cors.ts";
import type { Demand } from "./demand.ts";
import { guarded } from "./events.ts";
import type { Answer, Decision, Gate, PaywallRequest } from "./gate.ts";
import { holdClaim } from "./hold.ts";
import { paymentCookie, renderPage } from "./page.ts";
import { identifierOf } from "./payment-identifier.ts";
import { paymentHeader, readPayment, type PresentedPayment } from "./read-payment.ts";
import { shortened } from "./request-url.ts";
import type { Route } from "./route.ts";
import { codeOf } from "./settle.ts";
import { isFinal, restored, sale, type Verified, type Visit } from "./sale.ts";

/** Reasons that say that this payment was used, rather than that another one is wanted. */
const USED = new Set(["duplicate_settlement", "invalid_exact_evm_nonce_already_used"]);
/** The payer has to allow something first; the reference answers 412 for it. */
const NEEDS_ALLOWANCE = "permit2_allowance_required";

/** The gate of a route: one decision for every request that comes to it. */
export function createGate(context: PaywallContext, route: Route): Gate {
  const { options, cors } = context;

  return async (request) => {
    const decision = await decide(request);
    return "answer" in decision
      ? { answer: withHeaders(decision.answer, cors.headers(request)) }
      : decision;
  };

  async function decide(request: PaywallRequest): Promise<Decision> {
    if (isPreflight(request)) {
      const answer = cors.preflight(request);
      return answer === undefined ? { free: true } : { answer };
    }
    const asset = options.page?.asset?.(request);
    if (asset !== undefined) return { answer: asset };
    if (options.onProtectedRequest !== undefined) {
      const { onProtectedRequest } = options;
      const answer = await guarded(
        "onProtectedRequest",
        () => onProtectedRequest(request),
        context.hookFailed(request),
      );
      if ("failed" in answer) return { answer: unavailable("hook_failed") };
      if (answer.said && "grantAccess" in answer.said) return { free: true };
      if (answer.said) return { answer: refused("request_refused", answer.said.reason) };
    }
    try {
      const header = paymentHeader(request);
      if (header === undefined) return await withoutPayment(request);
      const demand = await demandFor(request);
      if (demand === undefined) return { answer: unavailable("hook_failed") };
      const presented = readPayment(header, demand.offers, options.schemes);
      return await withPayment(request, demand, presented, header.text);
    } catch (error) {
      const answer = unreadablePayment(error);
      const rejected = answer.status < 500;
      if (rejected) context.emit(request, { type: "payment_rejected", code: codeOf(error) });
      else context.emit(request, { type: "dependency_failed", name: "paywall", error });
      return { answer };
    }
  }

  /** What a payment is bound to. */
  function nameOf(request: PaywallRequest): string {
    return `${request.method} ${context.publicUrl(request)}`;
  }

  /** What is asked for; nothing when a function of the publisher threw. */
  async function demandFor(request: PaywallRequest): Promise<Demand | undefined> {
    const demand = route.demand(request);
    if (!(demand instanceof Promise)) return demand;
    const answer = await guarded("price", () => demand, context.hookFailed(request));
    return "said" in answer ? answer.said : undefined;
  }

  async function withoutPayment(request: PaywallRequest): Promise<Decision> {
    const stored = options.page && (await storedFor(request));
    if (stored !== undefined) return { answer: stored };
    const demand = await demandFor(request);
    if (demand === undefined) return { answer: unavailable("hook_failed") };
    return {
      answer: await ask(request, demand, "Payment required: pay one of the offers."),
    };
  }

  /** 402, in the form that the client reads. */
  async function ask(
    request: PaywallRequest,
    demand: Demand,
    error: string,
    receipt?: SettleResponse,
  ): Promise<Answer> {
    context.emit(request, {
      type: "payment_required",
      ...(request.headers.get("PAYMENT-SIGNATURE") !== null && { reason: error }),
    });
    const url = route.options.resource ?? shortened(context.publicUrl(request));
    const plain = paymentRequired(demand, url, error, receipt);
    const answer = error === NEEDS_ALLOWANCE ? { ...plain, status: 412 } : plain;
    const page = renderPage(options.page, request, demand.message(url, error));
    if (page !== undefined)
      return { ...answer, headers: { ...answer.headers, ...page.headers }, body: page.html };
    const { unpaidResponseBody, settlementFailedResponseBody } = route.options;
    const own =
      receipt === undefined
        ? unpaidResponseBody && (() => unpaidResponseBody(request))
        : settlementFailedResponseBody && (() => settlementFailedResponseBody(request, receipt));
    if (own === undefined) return answer;
    const body = await guarded("unpaidResponseBody", own, context.hookFailed(request));
    return "said" in body ? withBody(answer, body.said.contentType, body.said.body) : answer;
  }

  /** The stored response of a payment that a page keeps in a cookie: nothing is verified or charged for a cookie. */
  async function storedFor(request: PaywallRequest): Promise<Answer | undefined> {
    const text = paymentCookie(request);
    if (text === undefined) return undefined;
    try {
      const demand = await demandFor(request);
      const presented = readPayment({ text, version: 2 }, demand?.offers ?? [], options.schemes);
      const known = presented.key && (await context.claims.get(presented.key));
      if (!known || !isSame(known.claim, nameOf(request), presented) || !isFinal(known.claim))
        return undefined;
      return restored(known.claim, 2);
    } catch {
      return undefined;
    }
  }

  async function withPayment(
    request: PaywallRequest,
    demand: Demand,
    presented: PresentedPayment,
    header: string,
  ): Promise<Decision> {
    const { key, offer, payload, version } = presented;
    const presenter = identifierOf(payload, options.paymentIdentifier === "required");
    const clash = (code: ConflictCode): Decision => {
      context.emit(request, { type: "payment_rejected", code });
      return { answer: conflict(code) };
    };
    const refuse = async (reason: string, receipt?: SettleResponse): Promise<Answer> => {
      if (!USED.has(reason)) return ask(request, demand, reason, receipt);
      context.emit(request, { type: "payment_rejected", code: "payment_already_used" });
      return conflict("payment_already_used");
    };
    const visit: Visit = { context, request, version, refuse, header };

    const known = key === undefined ? undefined : await context.claims.get(key);
    if (key !== undefined && known !== undefined) return resume(key, known);
    if (key === undefined || offer === undefined)
      return { answer: await refuse("The payment accepts none of the offers.") };

    const { requirements } = offer;
    const body: FacilitatorRequest = {
      x402Version: 2,
      paymentPayload: payload,
      paymentRequirements: requirements,
    };
    const asked = await verify(request, body);
    if ("answer" in asked) return asked;
    const { verified } = asked;
    if (!verified.isValid)
      return { answer: await refuse(verified.invalidReason ?? "invalid_payload") };
    const { payer } = verified;
    context.emit(request, { type: "payment_verified", ...factsOf(key, payer, requirements) });
    const ttlMs = claimTtlMs(requirements);
    if (presenter !== "") {
      const owner = await context.claims.identify(`${payer ?? ""} ${presenter}`, key, ttlMs);
      if (owner !== key) return clash("payment_identifier_conflict");
    }
    const claim: PaymentClaim = {
      state: "claimed",
      request: nameOf(request),
      presenter,
      body,
      payer,
      idempotencyKey: crypto.randomUUID(),
      runs: 0,
      delivered: false,
    };
    const token = await context.claims.claim(key, claim, ttlMs);
    if (token !== undefined) return sale(visit, key, offer.scheme, hold(key, token, claim));
    const other = await context.claims.get(key);
    return other === undefined ? clash("payment_in_flight") : resume(key, other);

    /** Goes on with a payment that is known, if it is the very same: payer and nonce are public, and prove nothing. */
    async function resume(
      id: string,
      { claim: seen, held }: { claim: PaymentClaim; held: boolean },
    ): Promise<Decision> {
      const code = conflictOf(seen, nameOf(request), presented, presenter, held);
      if (code !== undefined) return clash(code);
      const facts = factsOf(id, seen.payer, seen.body.paymentRequirements);
      if (isFinal(seen)) {
        context.emit(request, { type: "response_replayed", ...facts });
        return { answer: restored(seen, version) };
      }
      const resumed = await context.claims.resume(id);
      if (resumed === undefined) return clash("payment_in_flight");
      const held_ = hold(id, resumed.token, resumed.claim);
      const scheme = options.schemes.find(
        (each) => each.scheme === resumed.claim.body.paymentRequirements.scheme,
      );
      return sale(visit, id, scheme, held_, () => verify(request, resumed.claim.body));
    }

    function hold(id: string, token: string, held: PaymentClaim) {
      return holdClaim(context.claims, id, token, held, (error) =>
        context.emit(request, { type: "dependency_failed", name: "claims", error }),
      );
    }
  }

  async function verify(request: PaywallRequest, body: FacilitatorRequest): Promise<Verified> {
    const { onBeforeVerify } = options;
    if (onBeforeVerify !== undefined) {
      const { paymentPayload, paymentRequirements: requirements } = body;
      const answer = await guarded(
        "onBeforeVerify",
        () => onBeforeVerify({ request, paymentPayload, requirements }),
        context.hookFailed(request),
      );
      if ("failed" in answer) return { answer: unavailable("hook_failed") };
      if (answer.said) return { answer: refused("payment_refused", answer.said.reason) };
    }
    try {
      return { verified: await context.facilitators.verify(body) };
    } catch (error) {
      return { answer: tryAgain(codeOf(error)) };
    }
  }
}

function isSame(claim: PaymentClaim, name: string, { payload }: PresentedPayment): boolean {
  return claim.request === name && hasPayload(claim, payload.payload);
}

function hasPayload({ body }: PaymentClaim, payload: unknown): boolean {
  return canonicalJson(body.paymentPayload.payload) === canonicalJson(payload);
}

/** Why a payment that is known cannot be gone on with; nothing when it can. */
function conflictOf(
  claim: PaymentClaim,
  name: string,
  { payload }: PresentedPayment,
  presenter: string,
  held: boolean,
): ConflictCode | undefined {
  const same = hasPayload(claim, payload.payload);
  if (same && (claim.request !== name || claim.presenter !== presenter))
    return "payment_bound_elsewhere";
  if (held) return "payment_in_flight";
  return same ? undefined : "payment_already_used";
}
