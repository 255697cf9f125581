import { readBytes } from "../core/body.ts";
import { X402Error } from "../core/errors.ts";
import { canonicalJson } from "../core/json.ts";
import type { Facilitator } from "../core/facilitator.ts";
import type {
  FacilitatorRequest,
  ResourceInfo,
  SettleResponse,
  VerifyResponse,
} from "../core/messages.ts";
import type { Network } from "../core/network.ts";
import type { Price, ServerScheme } from "../core/scheme.ts";
import { memoryClaims, type PaymentClaim, type StoredResponse } from "./claims.ts";
import { httpFacilitator } from "./http-facilitator.ts";
import { codeOf, settle } from "./settle.ts";
import { priceOffer, type Offer, type PricedOffer } from "./offers.ts";
import { readPayment } from "./read-payment.ts";
import {
  conflict,
  paidResponse,
  paymentRequired,
  tryAgain,
  unreadablePayment,
} from "./responses.ts";

export interface PaywallOptions {
  /** A facilitator, or the URL of one. */
  readonly facilitator: Facilitator | string;
  /** What can be priced, for example `[exactEvm()]`. */
  readonly schemes: readonly ServerScheme[];
  /** Default network and payee of all routes. */
  readonly network?: string;
  readonly payTo?: string;
  readonly maxTimeoutSeconds?: number;
}

export interface RouteOptions {
  readonly network?: string;
  readonly payTo?: string;
  readonly maxTimeoutSeconds?: number;
  /** What the buyer gets, told in the 402. */
  readonly description?: string;
  readonly mimeType?: string;
}

/** What a handler may know of the payment that let it run. */
export interface Payment {
  readonly payer?: string | undefined;
  /** Atomic units. */
  readonly amount: string;
  readonly asset: string;
  readonly network: Network;
}

/** What to do with a request: send this response, or run the handler and send what `finish` makes of its response. */
export type Outcome =
  | { readonly response: Response }
  /** Run the handler and send what it answers: nothing is asked for this request. */
  | { readonly free: true }
  | {
      readonly payment: Payment;
      /** Settles and gives the response to send. Nothing of the handler's response may be sent before. */
      finish(response: Response): Promise<Response>;
      /** The handler threw: nothing is charged. */
      abandon(): void;
    };

/** Decides about one request to a paid route. Never throws. */
export type Gate = (request: Request) => Promise<Outcome>;

export interface Paywall {
  /** Gate of a route with one price, or with several ways to pay. @throws TypeError when it cannot be charged. */
  route(price: Price | readonly Offer[], options?: RouteOptions): Gate;
}

/** Claims, and stored responses, are kept for this long after the offer's own time. */
const RETENTION_MS = 60_000;
/** The largest response that is kept for a second asking. */
const MAX_STORED_BYTES = 1024 * 1024;

/** The largest response that is held back until it is paid. */
const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;
/** Where a request's URL is longer, the 402 names it without its query: the header has to hold it. */
const MAX_RESOURCE_URL = 1024;

/** Reasons that say that this payment was used, rather than that another one is wanted. */
const USED = new Set(["duplicate_settlement", "invalid_exact_evm_nonce_already_used"]);

/**
 * A paywall: gates for paid routes over one facilitator. An unpaid request is answered 402 without any network call; a
 * paid one is verified, the handler runs once for the payment, and its response leaves after the payment was settled.
 *
 * @throws TypeError for options that cannot work.
 */
export function createPaywall(options: PaywallOptions): Paywall {
  const facilitator = asFacilitator(options.facilitator);
  const claims = memoryClaims();

  return {
    route(price, routeOptions = {}) {
      const { description, mimeType, ...defaults } = routeOptions;
      const ways: readonly Offer[] = isOfferList(price) ? price : [{ price }];
      if (ways.length === 0) throw new TypeError("accepts is empty: a paid route needs a price");
      const offers = ways.map((offer) => priceOffer(offer, { ...options, ...defaults }));
      const info = { ...(description && { description }), ...(mimeType && { mimeType }) };
      return (request) => gate(request, offers, { url: resourceUrl(request.url), ...info });
    },
  };

  async function gate(
    request: Request,
    offers: readonly PricedOffer[],
    resource: ResourceInfo,
  ): Promise<Outcome> {
    if (isPreflight(request)) return { free: true };
    const refuse = (error: string, receipt?: SettleResponse) =>
      paymentRequired(resource, offers, error, receipt);
    let presented: ReturnType<typeof readPayment>;
    try {
      presented = readPayment(request.headers, offers);
    } catch (error) {
      return { response: unreadablePayment(error) };
    }
    if (presented === undefined)
      return { response: refuse("Payment required: pay one of the offers.") };
    if (presented.offer === undefined)
      return { response: refuse("The payment accepts none of the offers.") };
    const { offer, payload, version } = presented;
    const { requirements } = offer;
    const key = offer.scheme.paymentKey(payload.payload, requirements);
    if (key === undefined) {
      const problem = "payload: does not have the form that its scheme defines";
      return { response: unreadablePayment(new X402Error("malformed_payment", problem)) };
    }
    return await admit({
      key,
      name: `${request.method} ${request.url}`,
      version,
      body: { x402Version: 2, paymentPayload: payload, paymentRequirements: requirements },
      refuse,
    });
  }

  /** Lets the handler run once for a payment; every other request with it gets the stored response, or a conflict. */
  async function admit({ key, name, version, body, refuse }: Admission): Promise<Outcome> {
    const known = claims.get(key);
    if (known !== undefined) return { response: await answerAgain(known) };

    const { amount, asset, network, maxTimeoutSeconds } = body.paymentRequirements;
    let verified: VerifyResponse;
    try {
      verified = await facilitator.verify(body);
    } catch (error) {
      return { response: tryAgain(codeOf(error)) };
    }
    if (!verified.isValid) {
      const reason = verified.invalidReason ?? "invalid_payload";
      return { response: USED.has(reason) ? conflict("payment_already_used") : refuse(reason) };
    }
    const { payer } = verified;
    const mine = claims.take(
      key,
      { request: name, body, payer },
      maxTimeoutSeconds * 1000 + RETENTION_MS,
    );
    if (mine === undefined) {
      const other = claims.get(key);
      return {
        response: other === undefined ? conflict("payment_in_flight") : await answerAgain(other),
      };
    }
    return {
      payment: { payer, amount, asset, network },
      abandon: () => claims.release(key),
      async finish(response) {
        if (response.status >= 300) {
          claims.release(key);
          return response;
        }
        try {
          mine.response = await store(response);
        } catch (error) {
          claims.release(key);
          throw error;
        }
        return await deliver(mine);
      },
    };

    /** Answers a payment that is known, if it is the very same: payer and nonce are public, and prove nothing. */
    async function answerAgain(claim: PaymentClaim): Promise<Response> {
      const running = claim.state === "running";
      const same =
        canonicalJson(claim.body.paymentPayload.payload) ===
        canonicalJson(body.paymentPayload.payload);
      if (same && claim.request !== name) return conflict("payment_bound_elsewhere");
      if (running) return conflict("payment_in_flight");
      return same ? await deliver(claim) : conflict("payment_already_used");
    }

    /** Settles what was served, once; answers with the stored response and its receipt. */
    async function deliver(claim: PaymentClaim): Promise<Response> {
      if (claim.receipt === undefined) {
        claim.state = "running";
        const settled = await settle(facilitator, claim);
        claim.state = "served";
        if ("unknown" in settled) return tryAgain(settled.unknown);
        if ("failed" in settled) {
          claims.release(key);
          const { failed } = settled;
          const reason = failed.errorReason ?? "";
          return USED.has(reason) ? conflict("payment_already_used") : refuse(reason, failed);
        }
        claim.receipt = settled.receipt;
      }
      const { response: stored, receipt } = claim;
      if (stored === undefined) return conflict("payment_already_used");
      if ((stored.body?.byteLength ?? 0) > MAX_STORED_BYTES) delete claim.response;
      return paidResponse(restore(stored), receipt, version);
    }
  }
}

/** A readable payment for one of the offers. */
interface Admission {
  readonly key: string;
  /** What the payment is bound to: method and URL. */
  readonly name: string;
  readonly version: 1 | 2;
  readonly body: FacilitatorRequest;
  readonly refuse: (error: string, receipt?: SettleResponse) => Response;
}

/** A browser asks before it sends a payment; it cannot pay for asking. */
function isPreflight(request: Request): boolean {
  return request.method === "OPTIONS" && request.headers.has("Access-Control-Request-Method");
}

function asFacilitator(facilitator: Facilitator | string): Facilitator {
  if (typeof facilitator === "string") return httpFacilitator(facilitator);
  if (typeof facilitator?.verify !== "function" || typeof facilitator.settle !== "function") {
    throw new TypeError("facilitator is missing: give a facilitator, or the URL of one");
  }
  return facilitator;
}

function resourceUrl(url: string): string {
  return url.length <= MAX_RESOURCE_URL
    ? url
    : (url.split("?", 1)[0] ?? url).slice(0, MAX_RESOURCE_URL);
}

function isOfferList(price: Price | readonly Offer[]): price is readonly Offer[] {
  return Array.isArray(price);
}

async function store(response: Response): Promise<StoredResponse> {
  if (response.body === null)
    return { status: response.status, headers: [...response.headers], body: undefined };
  const body = await readBytes(response.body, MAX_RESPONSE_BYTES);
  if (body === undefined) {
    throw new RangeError(
      `a paid response is over ${MAX_RESPONSE_BYTES} bytes; it was not sent, nor charged`,
    );
  }
  return { status: response.status, headers: [...response.headers], body };
}

function restore(stored: StoredResponse): Response {
  return new Response(stored.body, {
    status: stored.status,
    headers: stored.headers.map(([name, value]) => [name, value]),
  });
}
