/** A paywall over a facilitator that does as it is told, for faults that no real one gives on demand. */
import { randomBytes } from "node:crypto";
import {
  decodeHeader,
  encodeHeader,
  PAYMENT_REQUIRED,
  PAYMENT_SIGNATURE,
  X_PAYMENT,
} from "../../src/core/header.ts";
import type { Facilitator, FacilitatorCallOptions } from "../../src/core/facilitator.ts";
import { PaymentRequired, SettleResponse } from "../../src/core/messages.ts";
import type {
  FacilitatorRequest,
  PaymentPayload,
  PaymentRequirements,
  VerifyResponse,
} from "../../src/core/messages.ts";
import { exactEvm } from "../../src/evm/index.ts";
import {
  createPaywall,
  type Accepts,
  type Payment,
  type PaywallOptions,
  type RouteOptions,
} from "../../src/server/index.ts";

export const NETWORK = "eip155:84532";
export const PAY_TO = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
export const PAYER = "0x857b06519E91e3A54538791bDbb0E22373e36b66";
export const URL_PAID = "https://shop.example/report";

export interface Call {
  readonly request: FacilitatorRequest;
  readonly options: FacilitatorCallOptions | undefined;
}

export interface FakeFacilitator extends Facilitator {
  readonly verifies: readonly Call[];
  readonly settles: readonly Call[];
  /** What the next calls do; default: everything is fine. */
  onVerify: (call: Call) => Promise<VerifyResponse> | VerifyResponse;
  onSettle: (call: Call) => Promise<SettleResponse> | SettleResponse;
}

export const settled = ({ request }: Call): SettleResponse => ({
  success: true,
  transaction: `0x${"7a".repeat(32)}`,
  network: request.paymentRequirements.network,
  payer: PAYER,
  amount: request.paymentRequirements.amount,
});

export const failedWith = (errorReason: string | undefined, transaction = ""): SettleResponse => ({
  success: false,
  transaction,
  network: NETWORK,
  ...(errorReason !== undefined && { errorReason }),
});

export function fakeFacilitator(): FakeFacilitator {
  const verifies: Call[] = [];
  const settles: Call[] = [];
  const fake: FakeFacilitator = {
    verifies,
    settles,
    onVerify: () => ({ isValid: true, payer: PAYER }),
    onSettle: settled,
    async verify(request, options) {
      const call = { request, options };
      verifies.push(call);
      return await fake.onVerify(call);
    },
    async settle(request, options) {
      const call = { request, options };
      settles.push(call);
      return await fake.onSettle(call);
    },
    supported: () => Promise.reject(new Error("nobody should ask")),
  };
  return fake;
}

export interface Shop {
  readonly facilitator: FakeFacilitator;
  readonly handlerRuns: number;
  readonly offer: PaymentRequirements;
  /** The handler: what the next visits get for their payment. */
  handler: (payment: Payment | undefined) => Response | Promise<Response>;
  /** Asks as an adapter does: gate, handler, finish. */
  visit(request?: Request): Promise<Response>;
}

/** The one route of a shop; a report for a cent unless said otherwise. */
export interface ShopRoute {
  readonly accepts?: Accepts;
  readonly options?: RouteOptions;
  /** Of the request that asks for the offer. */
  readonly init?: RequestInit;
  readonly facilitator?: FakeFacilitator;
}

/** A shop with one route. */
export async function openShop(
  options: Partial<PaywallOptions> = {},
  route: ShopRoute = {},
): Promise<Shop> {
  const { facilitator = fakeFacilitator(), accepts = "$0.01" } = route;
  const defaults = { facilitator, schemes: [exactEvm()], network: NETWORK, payTo: PAY_TO };
  const gate = createPaywall({ ...defaults, ...options }).route(accepts, {
    description: "A report",
    ...route.options,
  });
  let handlerRuns = 0;
  const unpaid = await gate(new Request(URL_PAID, route.init));
  if (!("response" in unpaid)) throw new Error("the gate is open");
  const offer = demandOf(unpaid.response).accepts[0]!;

  const shop: Shop = {
    facilitator,
    offer,
    get handlerRuns() {
      return handlerRuns;
    },
    handler: () => new Response("the report"),
    async visit(request = paidRequest(offer)) {
      const outcome = await gate(request);
      if ("response" in outcome) return outcome.response;
      handlerRuns += 1;
      if ("free" in outcome) return await shop.handler(undefined);
      let response: Response;
      try {
        response = await shop.handler(outcome.payment);
      } catch {
        await outcome.abandon();
        return new Response("the handler failed", { status: 500 });
      }
      return await outcome.finish(response);
    },
  };
  return shop;
}

export function demandOf(response: Response): PaymentRequired {
  const text = response.headers.get(PAYMENT_REQUIRED) ?? "";
  return decodeHeader(PaymentRequired, text, "malformed_payment_required", PAYMENT_REQUIRED);
}

export function receiptOf(response: Response, name = "PAYMENT-RESPONSE"): SettleResponse {
  return decodeHeader(SettleResponse, response.headers.get(name) ?? "", "malformed_receipt", name);
}

/** A payment of the right form; its signature means nothing to the fake facilitator. */
export function paymentFor(
  offer: PaymentRequirements,
  signature = `0x${"11".repeat(64)}1b`,
): PaymentPayload {
  const deadline = String(Math.floor(Date.now() / 1000) + 300);
  if (offer.scheme === "upto") {
    const permit2Authorization = {
      from: PAYER,
      permitted: { token: offer.asset, amount: offer.amount },
      spender: "0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002",
      nonce: BigInt(`0x${randomBytes(32).toString("hex")}`).toString(),
      deadline,
      witness: {
        to: offer.payTo,
        facilitator: offer.extra?.["facilitatorAddress"],
        validAfter: "0",
      },
    };
    return { x402Version: 2, accepted: offer, payload: { signature, permit2Authorization } };
  }
  const authorization = {
    from: PAYER,
    to: offer.payTo,
    value: offer.amount,
    validAfter: "0",
    validBefore: deadline,
    nonce: `0x${randomBytes(32).toString("hex")}`,
  };
  return { x402Version: 2, accepted: offer, payload: { signature, authorization } };
}

/** A request that presents a payment. */
export function presenting(
  payment: PaymentPayload,
  url = URL_PAID,
  init: RequestInit = {},
): Request {
  const headers = new Headers(init.headers);
  headers.set(PAYMENT_SIGNATURE, encodeHeader(payment));
  return new Request(url, { ...init, headers });
}

export function paidRequest(offer: PaymentRequirements): Request {
  return presenting(paymentFor(offer));
}

export function presentingV1({ payload, accepted }: PaymentPayload): Request {
  const payment = { x402Version: 1, scheme: accepted.scheme, network: "base-sepolia", payload };
  return new Request(URL_PAID, { headers: { [X_PAYMENT]: encodeHeader(payment) } });
}
