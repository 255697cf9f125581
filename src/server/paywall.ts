import { X402Error } from "../core/errors.ts";
import type { Facilitator } from "../core/facilitator.ts";
import type { FacilitatorRequest, ResourceInfo, SettleResponse } from "../core/messages.ts";
import type { Network } from "../core/network.ts";
import type { Price, ServerScheme } from "../core/scheme.ts";
import { memoryClaims, type StoredResponse } from "./claims.ts";
import { httpFacilitator } from "./http-facilitator.ts";
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

/** Reasons that say that this payment was used, rather than that another one is wanted. */
const USED = new Set(["duplicate_settlement", "invalid_exact_evm_nonce_already_used"]);

/**
 * A paywall: gates for paid routes over one facilitator. An unpaid request is answered 402 without any network call; a
 * paid one is verified, the handler runs once for the payment, and its response leaves after the payment was settled.
 *
 * @throws TypeError for options that cannot work.
 */
export function createPaywall(options: PaywallOptions): Paywall {
  const facilitator =
    typeof options.facilitator === "string"
      ? httpFacilitator(options.facilitator)
      : options.facilitator;
  const claims = memoryClaims();

  return {
    route(price, routeOptions = {}) {
      const { description, mimeType, ...defaults } = routeOptions;
      const ways: readonly Offer[] = isOfferList(price) ? price : [{ price }];
      if (ways.length === 0) throw new TypeError("accepts is empty: a paid route needs a price");
      const offers = ways.map((offer) => priceOffer(offer, { ...options, ...defaults }));
      const info = { ...(description && { description }), ...(mimeType && { mimeType }) };
      return (request) => gate(request, offers, { url: request.url, ...info });
    },
  };

  async function gate(
    request: Request,
    offers: readonly PricedOffer[],
    resource: ResourceInfo,
  ): Promise<Outcome> {
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
    const { amount, asset, network, maxTimeoutSeconds } = body.paymentRequirements;
    const { claim, mine } = claims.take(key, name, maxTimeoutSeconds * 1000 + RETENTION_MS);
    if (!mine) {
      if (claim.request !== name) return { response: conflict("payment_bound_elsewhere") };
      if (claim.state === "running") return { response: conflict("payment_in_flight") };
      return { response: await deliver() };
    }

    let payer: string | undefined;
    try {
      const verified = await facilitator.verify(body, { idempotencyKey: claim.idempotencyKey });
      payer = verified.payer;
      if (!verified.isValid) {
        claims.release(key);
        const reason = verified.invalidReason ?? "invalid_payload";
        return { response: USED.has(reason) ? conflict("payment_already_used") : refuse(reason) };
      }
    } catch (error) {
      claims.release(key);
      return { response: tryAgain(codeOf(error)) };
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
          claim.response = await store(response);
        } catch (error) {
          claims.release(key);
          throw error;
        }
        return await deliver();
      },
    };

    /** Settles what was served, once; answers with the stored response and its receipt. */
    async function deliver(): Promise<Response> {
      if (claim.receipt === undefined) {
        claim.state = "running";
        const settled = await settle();
        claim.state = "served";
        if ("response" in settled) return settled.response;
        claim.receipt = settled.receipt;
      }
      const { response: stored, receipt } = claim;
      if (stored === undefined) return conflict("payment_already_used");
      if ((stored.body?.byteLength ?? 0) > MAX_STORED_BYTES) delete claim.response;
      return paidResponse(restore(stored), receipt, version);
    }

    async function settle(): Promise<{ receipt: SettleResponse } | { response: Response }> {
      let receipt: SettleResponse;
      try {
        receipt = await facilitator.settle(body, { idempotencyKey: claim.idempotencyKey });
      } catch (error) {
        return { response: tryAgain(codeOf(error)) };
      }
      if (receipt.success) {
        const honest = receipt.network === network && receipt.transaction !== "";
        return honest ? { receipt } : { response: tryAgain("facilitator_malformed") };
      }
      const reason = receipt.errorReason ?? "settlement_pending";
      if (reason === "settlement_pending") return { response: tryAgain(reason) };
      claims.release(key);
      return {
        response: USED.has(reason) ? conflict("payment_already_used") : refuse(reason, receipt),
      };
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

const codeOf = (error: unknown): string =>
  error instanceof X402Error ? error.code : "internal_error";

function isOfferList(price: Price | readonly Offer[]): price is readonly Offer[] {
  return Array.isArray(price);
}

async function store(response: Response): Promise<StoredResponse> {
  const body = response.body === null ? undefined : await response.arrayBuffer();
  return { status: response.status, headers: [...response.headers], body };
}

function restore(stored: StoredResponse): Response {
  return new Response(stored.body, {
    status: stored.status,
    headers: stored.headers.map(([name, value]) => [name, value]),
  });
}
