import type { Facilitator } from "../core/facilitator.ts";
import type { SettleResponse } from "../core/messages.ts";
import type { Price, ServerScheme } from "../core/scheme.ts";
import type { ClaimStore } from "../ledger/claims.ts";
import type { CorsOptions } from "./cors.ts";
import type { PaywallHooks } from "./events.ts";
import type { PaywallPage, PaywallRequest } from "./gate.ts";

/**
 * When a payment is settled. `after`: verified, then the handler, then settled, then the response leaves. `before`:
 * settled, then the handler; advertised as `extra.paymentFlow: "upfront"`.
 */
export type SettleMode = "after" | "before";

/** A fixed value, or one that depends on the request. */
export type PerRequest<T> = T | ((request: PaywallRequest) => T | Promise<T>);

/** One way to pay for a route. What is left out comes from the route's or the paywall's options. */
export interface Offer {
  /** Default: `exact`. */
  readonly scheme?: string;
  /** `"$0.01"`, or atomic units of a token. A function is asked for every request without a claim. */
  readonly price: PerRequest<Price | number>;
  /** CAIP-2, for example `eip155:8453`. */
  readonly network?: string;
  readonly payTo?: PerRequest<string>;
  /** How long a client may take from offer to settled payment; default 300. */
  readonly maxTimeoutSeconds?: number;
  /** Beside what the scheme adds. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** A body of the publisher's own for a 402. Values that are no text are sent as JSON. */
export interface HttpResponseBody {
  readonly contentType: string;
  readonly body: unknown;
}

export interface RouteOptions {
  readonly network?: string;
  readonly payTo?: PerRequest<string>;
  readonly maxTimeoutSeconds?: number;
  /** Default: `after` for GET, HEAD and OPTIONS, else `before`. Streams need `before`. */
  readonly settle?: SettleMode;
  /** URL that the 402 names; default: the request's. */
  readonly resource?: string;
  /** What the buyer gets, told in the 402. */
  readonly description?: string;
  readonly mimeType?: string;
  readonly serviceName?: string;
  readonly tags?: readonly string[];
  readonly iconUrl?: string;
  /** Declared in the 402 beside our own. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  /** Body of the 402 for clients that are no browsers; v1 clients cannot pay then, as they read the offers there. */
  readonly unpaidResponseBody?: (
    request: PaywallRequest,
  ) => HttpResponseBody | Promise<HttpResponseBody>;
  /** Body of the 402 after a settlement that failed. */
  readonly settlementFailedResponseBody?: (
    request: PaywallRequest,
    receipt: SettleResponse,
  ) => HttpResponseBody | Promise<HttpResponseBody>;
}

export interface PaywallOptions extends PaywallHooks {
  /** A facilitator, the URL of one, or several in the order in which they are asked. */
  readonly facilitator: Facilitator | string | readonly (Facilitator | string)[];
  /** What can be priced, for example `[exactEvm()]`. */
  readonly schemes: readonly ServerScheme[];
  /** Defaults of all routes. */
  readonly network?: string;
  readonly payTo?: PerRequest<string>;
  readonly maxTimeoutSeconds?: number;
  readonly settle?: SettleMode;
  /** What servers know of payments; share one (`redisClaims`) among all servers of a site. Default: in memory. */
  readonly claims?: ClaimStore;
  /** Where clients reach this server, for example `https://api.example.com`: what the 402 names. */
  readonly baseUrl?: string;
  /** Believe `X-Forwarded-Proto` and `X-Forwarded-Host`. Only behind a proxy that sets them. */
  readonly trustForwarded?: boolean;
  /** The page for people in a browser, for example `htmlPaywall()` of `farthing/html`. Default: JSON for everybody. */
  readonly page?: PaywallPage;
  /**
   * `true` or options: preflights are answered, and browsers of other origins may pay. Absent: the payment headers are
   * exposed, and all else is left to the app, which has to answer preflights before they come to the paywall. `false`:
   * no CORS headers at all.
   */
  readonly cors?: boolean | CorsOptions;
  /** Extension `payment-identifier` of all routes; default `optional`. */
  readonly paymentIdentifier?: "optional" | "required" | "off";
  /** The largest response that is held back until it is paid; default 16 MiB. */
  readonly maxResponseBytes?: number;
  /** The largest response that is kept for the same payment to fetch again; default 1 MiB. */
  readonly maxStoredBytes?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}
