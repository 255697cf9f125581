import type { SettleResponse } from "../core/messages.ts";
import { conflict, paymentRequired, withBody, withHeaders } from "./answers.ts";
import type { PaywallContext } from "./context.ts";
import { isPreflight } from "./cors.ts";
import type { Demand } from "./demand.ts";
import { failure } from "./failure.ts";
import type { Answer, Decision, Gate, PaywallRequest } from "./gate.ts";
import { guard } from "./guard.ts";
import { renderPage } from "./page.ts";
import { admitPayment, storedForPage, type Visit } from "./present.ts";
import { paymentHeader, readPayment } from "./read-payment.ts";
import { shortened } from "./request-url.ts";
import type { Route } from "./route.ts";

/** Reasons that say that this payment was used, rather than that another one is wanted. */
const USED = new Set([
  "duplicate_settlement",
  "invalid_exact_evm_nonce_already_used",
  "permit2_invalid_nonce",
]);
/** The payer has to allow something first; the reference answers 412 for it. */
const NEEDS_ALLOWANCE = "permit2_allowance_required";

/** The gate of a route: one decision for every request that comes to it. */
export function createGate(context: PaywallContext, route: Route): Gate {
  const { options, cors } = context;

  return async (request) => {
    let decision: Decision;
    try {
      decision = await decide(request);
    } catch (error) {
      decision = { answer: failure(context, request, error) };
    }
    if ("free" in decision) return decision;
    const readable = (answer: Answer) => withHeaders(answer, cors.headers(request));
    if ("answer" in decision) return { answer: readable(decision.answer) };
    const { finish } = decision;
    return { ...decision, finish: async (answer) => readable(await finish(answer)) };
  };

  async function decide(request: PaywallRequest): Promise<Decision> {
    if (isPreflight(request)) return { answer: cors.preflight(request) };
    const { page, onProtectedRequest } = options;
    const asset = page?.asset?.(request);
    if (asset !== undefined) return { answer: asset };
    if (onProtectedRequest !== undefined) {
      const hook = () => onProtectedRequest(request);
      const said = await guard(context, request, "onProtectedRequest", hook);
      if (said?.grantAccess === true) return { free: true };
    }
    const header = paymentHeader(request);
    const demand = await demandFor(request);
    if (header === undefined) {
      const stored = page && (await storedForPage(context, request, demand.offers));
      const answer =
        stored ?? (await ask(request, demand, "Payment required: pay one of the offers."));
      return { answer };
    }
    const visit: Visit = {
      context,
      request,
      ...header,
      refuse: (reason, receipt) => refuse(request, demand, reason, receipt),
    };
    return admitPayment(visit, readPayment(header, demand.offers, options.schemes));
  }

  async function demandFor(request: PaywallRequest): Promise<Demand> {
    const demand = route.demand(request);
    return demand instanceof Promise ? guard(context, request, "price", () => demand) : demand;
  }

  async function refuse(
    request: PaywallRequest,
    demand: Demand,
    reason: string,
    receipt?: SettleResponse,
  ): Promise<Answer> {
    if (!USED.has(reason)) return ask(request, demand, reason, receipt);
    context.emit(request, { type: "payment_rejected", code: "payment_already_used" });
    return conflict("payment_already_used");
  }

  /** 402, in the form that the client reads. */
  async function ask(
    request: PaywallRequest,
    demand: Demand,
    error: string,
    receipt?: SettleResponse,
  ): Promise<Answer> {
    context.emit(request, { type: "payment_required", error });
    const url = route.options.resource ?? shortened(context.publicUrl(request));
    const asked = paymentRequired(demand, url, error, receipt);
    const answer = error === NEEDS_ALLOWANCE ? { ...asked, status: 412 } : asked;
    const page = renderPage(options.page, request, () => demand.message(url, error));
    if (page !== undefined)
      return { ...answer, headers: { ...answer.headers, ...page.headers }, body: page.html };
    const { unpaidResponseBody, settlementFailedResponseBody } = route.options;
    const own =
      receipt === undefined
        ? unpaidResponseBody && (() => unpaidResponseBody(request))
        : settlementFailedResponseBody && (() => settlementFailedResponseBody(request, receipt));
    if (own === undefined) return answer;
    return withBody(answer, await guard(context, request, "unpaidResponseBody", own));
  }
}
